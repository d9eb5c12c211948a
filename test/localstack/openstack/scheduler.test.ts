import { describe, expect, it } from "vitest";
import { listMigrations } from "../../../lib/openstack/compute/migrations.ts";
import { listServerGroups } from "../../../lib/openstack/compute/server-groups.ts";
import { coldMigrate, getServer, liveMigrate } from "../../../lib/openstack/compute/servers.ts";
import type { CloudSpec } from "../../../localstack/openstack/spec.ts";
import { instanceNamed, MINUTE, simulate } from "./stage.ts";

type Group = NonNullable<CloudSpec["groups"]>[number];

/** One group of alpha, with a member on each of the hosts. */
const stage = async (
  group: Omit<Group, "name" | "project">,
  hosts: readonly string[],
  over: Partial<CloudSpec> = {},
) => {
  const cloud = await simulate((spec) => ({
    ...spec,
    ...over,
    groups: [{ name: "group", project: "alpha", ...group }],
    instances: hosts.map((host, index) => ({
      name: `member-${index}`,
      project: "alpha",
      flavor: "m1.tiny",
      group: "group",
      host,
    })),
  }));
  const { compute } = cloud.admin;
  const member = (index: number) => instanceNamed(cloud.simulator, `member-${index}`).id;
  const move = async (index: number, host: string | null = null) => {
    await liveMigrate(compute, member(index), { host });
    await cloud.pass(MINUTE);
    const [row] = await listMigrations(compute, { instance_uuid: member(index) });
    return { status: row?.status, host: (await getServer(compute, member(index))).host };
  };
  return { ...cloud, compute, member, move };
};

describe("a server group", () => {
  it("of hard affinity holds each member where it is, even the only one", async () => {
    const { compute, member, move, pass } = await stage({ policy: "affinity" }, ["cmp-01"]);
    expect(await move(0)).toEqual({ status: "error", host: "cmp-01" });
    await coldMigrate(compute, member(0));
    await pass(MINUTE);
    expect(await getServer(compute, member(0))).toMatchObject({ status: "ACTIVE", host: "cmp-01" });
  });

  it("of hard affinity lets a stray member go only to where others are", async () => {
    const { move } = await stage({ policy: "affinity" }, ["cmp-01", "cmp-02"]);
    expect(await move(0, "cmp-03")).toEqual({ status: "error", host: "cmp-01" });
    expect(await move(0)).toEqual({ status: "completed", host: "cmp-02" });
  });

  it("of hard anti-affinity keeps members apart, so many to a host", async () => {
    const apart = await stage({ policy: "anti-affinity" }, ["cmp-01", "cmp-02"]);
    expect(await apart.move(0, "cmp-02")).toEqual({ status: "error", host: "cmp-01" });
    const pairs = await stage({ policy: "anti-affinity", max_server_per_host: 2 }, [
      "cmp-01",
      "cmp-02",
      "cmp-03",
    ]);
    expect(await listServerGroups(pairs.compute, { all_projects: true })).toMatchObject([
      { policy: "anti-affinity", rules: { max_server_per_host: 2 } },
    ]);
    expect(await pairs.move(0, "cmp-02")).toEqual({ status: "completed", host: "cmp-02" });
    expect(await pairs.move(2, "cmp-02")).toEqual({ status: "error", host: "cmp-03" });
  });

  it.each(["soft-affinity", "soft-anti-affinity"] as const)("of %s is a wish", async (policy) => {
    const { move } = await stage({ policy }, ["cmp-01", "cmp-02"]);
    expect(await move(0, "cmp-02")).toEqual({ status: "completed", host: "cmp-02" });
    expect(await move(0, "cmp-03")).toEqual({ status: "completed", host: "cmp-03" });
  });
});

describe("a scheduler that hears of moves late", () => {
  it("keeps a group away from where a member was", async () => {
    const { move, pass } = await stage({ policy: "anti-affinity" }, ["cmp-01", "cmp-02"], {
      stale_scheduler_ms: 3 * MINUTE,
    });
    expect(await move(0, "cmp-03")).toEqual({ status: "completed", host: "cmp-03" });
    expect(await move(1, "cmp-01")).toEqual({ status: "error", host: "cmp-02" });
    await pass(3 * MINUTE);
    expect(await move(1, "cmp-01")).toEqual({ status: "completed", host: "cmp-01" });
  });

  it("does not keep a member from going back itself", async () => {
    const { move } = await stage({ policy: "anti-affinity" }, ["cmp-01", "cmp-02"], {
      stale_scheduler_ms: 3 * MINUTE,
    });
    await move(0, "cmp-03");
    expect(await move(0, "cmp-01")).toEqual({ status: "completed", host: "cmp-01" });
  });
});
