import { describe, expect, test } from "vitest";
import { hostRun, instance, SESSION, session, startApi } from "../client/fake-api.ts";
import { lullHere } from "./lull.ts";

const VM = "aaaa0000-0000-4000-8000-000000000001";
const OTHER = "bbbb0000-0000-4000-8000-000000000002";
const at = (second: number) => `2026-11-22T10:00:0${second}Z`;
const effect = (name: string, second: number, over: object = {}) => ({
  effect: name,
  request_id: `req-${second}`,
  at: at(second),
  instance_id: null,
  target: null,
  outcome: "done",
  finished_at: null,
  details: null,
  ...over,
});
const moved = { instance_id: VM, target: "cmp-03" };

const world = async (effects: object[]) => {
  const server = await startApi();
  const run = { phase: "MOVING", started_at: at(0) };
  server.world.looks = [
    session("PLANNED_MAINTENANCE", [hostRun("cmp-01", run), hostRun("cmp-02")], {
      instances: [instance(VM), instance(OTHER, { instance_name: "db" })],
    }),
  ];
  server.world.effects = effects;
  return Object.assign(server, {
    run: (...args: string[]) => lullHere([...args, "--explain", "--endpoint", server.url]),
  });
};

describe("--explain", () => {
  test.each([
    [
      "disable",
      {},
      `openstack compute service set --disable --disable-reason lull:${SESSION} cmp-01 nova-compute`,
    ],
    ["enable", {}, "openstack compute service set --enable cmp-01 nova-compute"],
    [
      `live_migrate#${VM}#001`,
      moved,
      `openstack --os-compute-api-version 2.56 server migrate --live-migration --host cmp-03 ${VM}`,
    ],
    [
      `migrate#${VM}#001`,
      moved,
      `openstack --os-compute-api-version 2.56 server migrate --host cmp-03 ${VM}`,
    ],
    [`offload#${VM}#001`, { instance_id: VM }, `openstack server shelve --offload ${VM}`],
    [
      `abort#live_migrate#${VM}#001`,
      {},
      `openstack --os-compute-api-version 2.24 server migration abort ${VM} MIGRATION`,
    ],
    [
      `status_link#${VM}`,
      { instance_id: VM },
      `openstack server set --property maintenance:status_url=STATUS_URL ${VM}`,
    ],
    [
      `status_unlink#${VM}#001`,
      { instance_id: VM },
      `openstack server unset --property maintenance:status_url ${VM}`,
    ],
    [
      `force_complete#live_migrate#${VM}#001`,
      { instance_id: VM },
      `openstack --os-compute-api-version 2.22 server migration force complete ${VM} MIGRATION`,
    ],
    [`confirm#migrate#${VM}#001`, {}, `openstack server migration confirm ${VM}`],
    [`revert#migrate#${VM}#001`, {}, `openstack server migration revert ${VM}`],
    [`stop#${VM}`, {}, `openstack server stop ${VM}`],
    [`start#${VM}`, {}, `openstack server start ${VM}`],
    ["leave_aggregate#7", {}, "openstack aggregate remove host 7 cmp-01"],
    ["delete_agent#a1", {}, "openstack network agent delete a1"],
    [
      "delete_service",
      {},
      "openstack --os-compute-api-version 2.53 compute service delete $(openstack --os-compute-api-version 2.53 compute service list --host cmp-01 --service nova-compute -f value -c ID)",
    ],
    ["action#0#1", {}, "# action#0#1 on cmp-01: no call to OpenStack"],
  ])("says %s as one would type it", async (name, over, command) => {
    await using cloud = await world([effect(name, 1, over)]);
    const { out } = await cloud.run("why", "cmp-01");
    expect(out.split("\n").slice(-2)).toEqual([
      command,
      "    2026-11-22 10:00:01Z  cmp-01  done  req-1",
    ]);
  });

  test("of a session asks for the hosts that were begun, the oldest call first", async () => {
    await using cloud = await world([
      effect(`live_migrate#${VM}#001`, 2, { ...moved, outcome: null }),
      effect("disable", 1),
    ]);
    const { out } = await cloud.run("maintenance", "show", SESSION);
    expect(out.indexOf("req-1")).toBeLessThan(out.indexOf("req-2"));
    expect(out).toContain("cmp-01  outcome not known yet  req-2");
    expect(cloud.asked().some((call) => call.includes("cmp-02/effects"))).toBe(false);
  });

  test("of an instance leaves the others out", async () => {
    await using cloud = await world([
      effect(`live_migrate#${VM}#001`, 1, moved),
      effect(`live_migrate#${OTHER}#001`, 2, { instance_id: OTHER, target: "cmp-03" }),
    ]);
    const { out } = await cloud.run("why", "db");
    expect(out).toContain("req-2");
    expect(out).not.toContain("req-1");
  });

  test("of a report is for scripts, too", async () => {
    await using cloud = await world([effect("disable", 1)]);
    const { out } = await cloud.run("report", SESSION, "-f", "json");
    expect(JSON.parse(out).effects).toMatchObject([
      { host: "cmp-01", request_id: "req-1", command: expect.stringContaining("--disable") },
    ]);
    expect((await cloud.run("report", SESSION)).out).toContain("What was done to the cloud");
  });

  test("is for the cloud that was named", async () => {
    await using cloud = await world([effect(`stop#${VM}`, 1)]);
    const { out } = await cloud.run("why", "cmp-01", "--os-cloud", "lab");
    expect(out).toContain(`openstack --os-cloud lab server stop ${VM}`);
  });
});
