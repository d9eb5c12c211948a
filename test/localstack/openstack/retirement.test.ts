import { describe, expect, it } from "vitest";
import {
  listAggregates,
  removeHostFromAggregate,
} from "../../../lib/openstack/compute/aggregates.ts";
import { listHypervisors } from "../../../lib/openstack/compute/hypervisors.ts";
import { coldMigrate, confirmResize, liveMigrate } from "../../../lib/openstack/compute/servers.ts";
import {
  deleteService,
  disableService,
  getService,
} from "../../../lib/openstack/compute/services.ts";
import { deleteAgent, listAgents } from "../../../lib/openstack/network/agents.ts";
import { findProvider } from "../../../lib/openstack/placement/resource-providers.ts";
import { MINUTE, simulate } from "./stage.ts";

/** cmp-04 is empty, unless told otherwise. */
const stage = async (guests: readonly string[] = []) => {
  const cloud = await simulate((spec) => ({
    ...spec,
    hosts: spec.hosts.map((host) => ({ ...host, zone: host.name === "cmp-04" ? "az-2" : "nova" })),
    aggregates: [{ name: "fast", hosts: ["cmp-03", "cmp-04"], metadata: { ssd: "true" } }],
    instances: guests.map((host, index) => ({
      name: `guest-${index}`,
      project: "alpha",
      flavor: "m1.tiny",
      host,
    })),
  }));
  const { admin } = cloud;
  const idOf = async (host: string) => (await getService(admin.compute, host))?.id ?? "";
  const retire = async (host: string) => deleteService(admin.compute, await idOf(host));
  const [guest] = cloud.simulator.world.instances.values();
  return { ...cloud, compute: admin.compute, idOf, retire, guest: guest?.id ?? "" };
};

describe("a compute service that is deleted", () => {
  it("goes with its hypervisor, its provider and its places in aggregates", async () => {
    const { simulator, admin, compute, retire } = await stage();
    simulator.happen({ kind: "kill_host", host: "cmp-04" });
    await retire("cmp-04");
    expect(await getService(compute, "cmp-04")).toBeUndefined();
    expect((await listHypervisors(compute)).map((it) => it.service.host)).toEqual([
      "cmp-01",
      "cmp-02",
      "cmp-03",
    ]);
    expect(await findProvider(admin.placement, "cmp-04")).toBeUndefined();
    expect((await listAggregates(compute)).flatMap(({ hosts }) => hosts)).toEqual(["cmp-03"]);
  });

  it("stays gone while its host is dead, and is a new, enabled one when that starts again", async () => {
    const { simulator, admin, compute, idOf, retire, pass } = await stage();
    const before = await idOf("cmp-04");
    await disableService(compute, before, "retired");
    simulator.happen({ kind: "kill_host", host: "cmp-04" });
    await retire("cmp-04");
    await pass(60 * MINUTE);
    expect(await getService(compute, "cmp-04")).toBeUndefined();
    expect(await findProvider(admin.placement, "cmp-04")).toBeUndefined();
    simulator.happen({ kind: "start_host", host: "cmp-04" });
    expect(await getService(compute, "cmp-04")).toMatchObject({ status: "enabled", state: "up" });
    expect(await idOf("cmp-04")).not.toBe(before);
  });

  it("leaves a running nova-compute, whose next report brings hypervisor and provider back", async () => {
    const { simulator, admin, compute, retire, pass } = await stage();
    await retire("cmp-04");
    expect(await findProvider(admin.placement, "cmp-04")).toBeUndefined();
    await pass(2 * MINUTE);
    expect(await findProvider(admin.placement, "cmp-04")).toBeDefined();
    expect(await getService(compute, "cmp-04")).toBeUndefined();
    simulator.happen({ kind: "start_host", host: "cmp-04" });
    expect(await getService(compute, "cmp-04")).toBeDefined();
  });

  it("is no target any more", async () => {
    const { compute, retire, guest } = await stage(["cmp-01"]);
    await retire("cmp-04");
    await expect(liveMigrate(compute, guest, { host: "cmp-04" })).rejects.toMatchObject({
      status: 400,
    });
  });

  it("is kept while it has servers, and while a move from it is not confirmed", async () => {
    const { compute, retire, guest, pass } = await stage(["cmp-04"]);
    await expect(retire("cmp-04")).rejects.toMatchObject({
      status: 409,
      detail: expect.stringContaining("is hosting instances"),
    });
    await coldMigrate(compute, guest, { host: "cmp-01" });
    await pass(MINUTE);
    await expect(retire("cmp-04")).rejects.toMatchObject({
      status: 409,
      detail: expect.stringContaining("in-progress migrations"),
    });
    await confirmResize(compute, guest);
    await pass(MINUTE);
    await retire("cmp-04");
    expect(await getService(compute, "cmp-04")).toBeUndefined();
    await expect(retire("cmp-04")).rejects.toMatchObject({ name: "OpenStackError" });
  });

  it("leaves the provider where something is still allocated", async () => {
    const { simulator, admin, retire, guest } = await stage(["cmp-01"]);
    simulator.happen({ kind: "leave_allocation", instance: guest, host: "cmp-04" });
    simulator.happen({ kind: "kill_host", host: "cmp-04" });
    await retire("cmp-04");
    expect(await findProvider(admin.placement, "cmp-04")).toBeDefined();
  });
});

describe("a host that is taken out of an aggregate", () => {
  const idOf = async (compute: Parameters<typeof listAggregates>[0], name: string) =>
    (await listAggregates(compute)).find((one) => one.name === name)?.id ?? 0;

  it("leaves its zone with the aggregate that is one", async () => {
    const { compute } = await stage();
    const zone = await idOf(compute, "az-2");
    expect(await removeHostFromAggregate(compute, zone, "cmp-04")).toMatchObject({
      availability_zone: "az-2",
      hosts: [],
    });
    expect(await getService(compute, "cmp-04")).toMatchObject({ zone: "nova" });
    await expect(removeHostFromAggregate(compute, zone, "cmp-04")).rejects.toMatchObject({
      status: 404,
    });
  });

  it("stays in its zone while it has servers, but leaves others", async () => {
    const { compute } = await stage(["cmp-04"]);
    const zone = await idOf(compute, "az-2");
    await expect(removeHostFromAggregate(compute, zone, "cmp-04")).rejects.toMatchObject({
      status: 409,
    });
    const fast = await removeHostFromAggregate(compute, await idOf(compute, "fast"), "cmp-04");
    expect(fast.hosts).toEqual(["cmp-03"]);
  });
});

describe("an agent that is deleted", () => {
  it("is back under another id while it runs, and gone when its host is dead", async () => {
    const { simulator, admin, pass } = await stage();
    const agentOf = async (host: string) => (await listAgents(admin.network, { host }))[0];
    const running = await agentOf("cmp-03");
    await deleteAgent(admin.network, running?.id ?? "");
    expect(await agentOf("cmp-03")).toBeUndefined();
    await pass(MINUTE);
    const back = await agentOf("cmp-03");
    expect(back).toMatchObject({ alive: true });
    expect(back?.id).not.toBe(running?.id);
    simulator.happen({ kind: "kill_host", host: "cmp-04" });
    await deleteAgent(admin.network, (await agentOf("cmp-04"))?.id ?? "");
    await pass(MINUTE);
    expect(await agentOf("cmp-04")).toBeUndefined();
    await expect(deleteAgent(admin.network, running?.id ?? "")).rejects.toMatchObject({
      status: 404,
    });
  });
});
