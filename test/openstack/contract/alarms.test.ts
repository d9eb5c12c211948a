import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { listEventAlarms } from "../../../lib/openstack/alarming/alarms.ts";
import type { Cloud } from "../../../lib/openstack/cloud.ts";
import { call } from "../../../lib/openstack/http.ts";
import { deleteAlarm, deleteAlarms, makeAlarm } from "../alarms.ts";
import { type ContractCloud, openContractCloud } from "./contract-cloud.ts";

let cloud: ContractCloud;
beforeAll(async () => {
  cloud = await openContractCloud();
  for (const member of [cloud.alice, cloud.bob]) await deleteAlarms(member);
});
afterAll(() => cloud?.close());

const made: { readonly owner: Cloud; readonly id: string }[] = [];
afterEach(async () => {
  for (const { owner, id } of made.splice(0)) await deleteAlarm(owner, id);
});

const make = async (owner: Cloud, alarm: Parameters<typeof makeAlarm>[1]): Promise<string> => {
  const id = await makeAlarm(owner, alarm);
  made.push({ owner, id });
  return id;
};

const projectOf = async (member: Cloud): Promise<string> =>
  (await member.whoami()).project?.id ?? "";

const alarming = (one: Cloud) => one.service("alarming");

describe("event alarms", () => {
  it("are listed over all projects, as their owners made them", async () => {
    const query = [{ field: "traits.state", op: "eq", type: "string", value: "MAINTENANCE" }];
    const hers = await make(cloud.alice, {
      event_type: "maintenance.scheduled",
      query,
      alarm_actions: ["http://127.0.0.1:12348/maintenance"],
    });
    const his = await make(cloud.bob, { event_type: "maintenance.*", repeat_actions: false });
    const listed = await listEventAlarms(alarming(cloud.admin));
    expect(listed.find(({ alarm_id }) => alarm_id === hers)).toEqual({
      alarm_id: hers,
      name: "lull-test",
      project_id: await projectOf(cloud.alice),
      type: "event",
      enabled: true,
      state: "insufficient data",
      severity: "low",
      repeat_actions: true,
      alarm_actions: ["http://127.0.0.1:12348/maintenance"],
      event_rule: { event_type: "maintenance.scheduled", query },
    });
    expect(listed.find(({ alarm_id }) => alarm_id === his)).toMatchObject({
      project_id: await projectOf(cloud.bob),
      repeat_actions: false,
      alarm_actions: [],
      event_rule: { event_type: "maintenance.*", query: [] },
    });
  });

  it("that are not enabled are not listed", async () => {
    const id = await make(cloud.alice, { event_type: "maintenance.scheduled", enabled: false });
    const ids = (await listEventAlarms(alarming(cloud.admin))).map(({ alarm_id }) => alarm_id);
    expect(ids).not.toContain(id);
  });

  it("are all found however short the pages are", async () => {
    const ids = await Promise.all(
      [1, 2, 3, 4, 5].map(() => make(cloud.alice, { event_type: "maintenance.scheduled" })),
    );
    const listed = await listEventAlarms(alarming(cloud.admin), { limit: 2 });
    expect(listed.map(({ alarm_id }) => alarm_id)).toEqual(expect.arrayContaining(ids));
  });

  it("of other projects are not for tenants to list, to see or to make", async () => {
    const id = await make(cloud.alice, { event_type: "maintenance.scheduled" });
    await expect(listEventAlarms(alarming(cloud.bob))).rejects.toMatchObject({
      status: 403,
      detail: "RBAC Authorization Failed",
    });
    const seen = await call(
      alarming(cloud.bob),
      "/alarms",
      z.array(z.object({ alarm_id: z.string() })),
    );
    expect(seen.map(({ alarm_id }) => alarm_id)).not.toContain(id);
    await expect(call(alarming(cloud.bob), `/alarms/${id}`, z.unknown())).rejects.toMatchObject({
      status: 404,
      detail: `Alarm ${id} not found`,
    });
    await expect(deleteAlarm(cloud.bob, id)).rejects.toMatchObject({ status: 404 });
    const project_id = await projectOf(cloud.alice);
    await expect(make(cloud.bob, { event_type: "*", project_id })).rejects.toMatchObject({
      status: 401,
      detail: `Not Authorized to access project ${project_id}`,
    });
  });

  it("after one that is gone: Aodh answers an unknown marker with 500", async () => {
    const gone = "00000000-0000-4000-8000-000000000000";
    await expect(
      call(alarming(cloud.alice), `/alarms?limit=1&marker=${gone}`, z.unknown()),
    ).rejects.toMatchObject({ status: 500, detail: `Marker ${gone} not found.` });
  });

  it("cannot be made with another's trust in an action", async () => {
    const alarm_actions = ["trust+http://some-trust:delete@127.0.0.1:1/x"];
    await expect(
      make(cloud.alice, { event_type: "maintenance.scheduled", alarm_actions }),
    ).rejects.toMatchObject({ status: 400, detail: "trust URL cannot contain a trust ID." });
  });
});
