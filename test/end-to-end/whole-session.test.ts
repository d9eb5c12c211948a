import { expect, test } from "vitest";
import { getMaintenanceDetail } from "../../lib/client/maintenance.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const cloud = quickCloud({ hosts: 5, instances: 12 });
const [, , disabled] = cloud.hosts;
if (disabled) disabled.disabled_reason = "noisy fan, see ticket 42";
cloud.hosts.push({ name: "cmp-empty" });

const onStage = theStage({ cloud });

test(
  "hosts with and without instances are maintained, two at a time, and end as they were",
  onStage(async ({ open, ended, api, simulator }) => {
    const before = new Map(
      [...simulator.world.instances.values()].map((one) => [one.id, one.host]),
    );
    const hosts = ["cmp-01", "cmp-02", "cmp-03", "cmp-empty"];
    const id = await open({ hosts, max_parallel_hosts: 2, reason: "new kernel" });
    const { detail, events } = await ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(detail.attention).toEqual([]);
    expect(detail.hosts.map(({ hostname, outcome }) => [hostname, outcome])).toEqual(
      hosts.map((name) => [name, "maintained"]),
    );
    const toldOf = (state: string) =>
      events
        .filter(({ type, detail: told }) => type === "maintenance.host" && told["state"] === state)
        .map(({ detail: told }) => told["host"]);
    expect(toldOf("IN_MAINTENANCE").toSorted()).toEqual(hosts);
    expect(toldOf("MAINTENANCE_COMPLETE").toSorted()).toEqual(hosts);

    const left = [...before].filter(([, host]) => hosts.includes(host ?? "")).map(([one]) => one);
    const moved = detail.instances.map(({ instance_id }) => instance_id);
    expect(new Set(moved)).toEqual(new Set([...left, ...moved]));
    expect((await getMaintenanceDetail(api, id)).percent_done).toBe(100);
    expect(simulator.world.hosts.get("cmp-03")).toMatchObject({
      status: "disabled",
      disabled_reason: "noisy fan, see ticket 42",
    });
  }),
);

test(
  "no more hosts are out of service at once than the session allows",
  onStage(async ({ open, ended, simulator }) => {
    const from = simulator.world.history.length;
    await ended(
      await open({ hosts: ["cmp-01", "cmp-02", "cmp-04", "cmp-05"], max_parallel_hosts: 2 }),
    );

    let out = 0;
    const counts = simulator.world.history.slice(from).flatMap(({ kind, field, after }) => {
      if (kind !== "host" || field !== "status") return [];
      out += after === "disabled" ? 1 : -1;
      return [out];
    });
    expect(Math.max(...counts)).toBe(2);
    expect(out).toBe(0);
  }),
);
