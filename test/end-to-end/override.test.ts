import { afterAll, expect, test } from "vitest";
import { overrideProject } from "../../lib/client/maintenance.ts";
import { createSubscription } from "../../lib/client/subscriptions.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { startReceiver } from "../delivery/receiver.ts";
import { doctorVnfm } from "../managers/dialects.ts";
import { silent } from "../managers/tempers.ts";
import { makeAlarm } from "../openstack/alarms.ts";
import { theCast } from "./cast.ts";
import { quickCloud } from "./quick-cloud.ts";
import { type Play, theStage } from "./stage.ts";

const cloud = {
  ...quickCloud({ hosts: 0, instances: 0, projects: 0 }),
  projects: ["stubborn", "other"].map((name) => ({ name, user: `user-of-${name}` })),
  hosts: [{ name: "cmp-01" }, { name: "spare-1" }],
  instances: [{ name: "vm", project: "stubborn", flavor: "m1.tiny", host: "cmp-01" }],
};
const onStage = theStage({ cloud, settings: { LULL_EGRESS_ALLOW: "127.0.0.0/8" } });

const managerOf = theCast({ stubborn: { dialect: doctorVnfm, temper: silent } });

const receivers: Awaited<ReturnType<typeof startReceiver>>[] = [];
afterAll(() => Promise.all(receivers.map((receiver) => receiver.close())));
const receive = async () => {
  const receiver = await startReceiver();
  receivers.push(receiver);
  return receiver;
};

const memberOf = ({ simulator }: Play, project: string) => {
  const config = simulator.tenants[project];
  if (config === undefined) throw new Error(`there is no project ${project}`);
  return config;
};

/** Lull's API as an admin who has opened no session. */
const asSecondAdmin = ({ simulator, apiAs }: Play) => {
  const admin = simulator.world.users.find(({ name }) => name === "admin");
  if (admin === undefined) throw new Error("the cloud has no admin");
  simulator.world.users.push({ ...admin, id: "second-admin", name: "second-admin" });
  return apiAs({ ...simulator.config, username: "second-admin" });
};

/** Who of the project listens to overrides, by a webhook and by an alarm. */
const listenersOf = async (play: Play, project: string) => {
  const [hook, alarm] = [await receive(), await receive()];
  const config = memberOf(play, project);
  const events = ["maintenance.override"];
  await createSubscription(play.apiAs(config), { url: hook.url, events });
  const member = openCloud(config);
  await makeAlarm(member, { event_type: events[0], alarm_actions: [alarm.url] });
  return { hook, alarm };
};

test(
  "a project that is overridden is told so where it listens to that, and its manager of today never hears of it",
  onStage(async (play) => {
    const manager = await managerOf(play, "stubborn");
    const { hook, alarm } = await listenersOf(play, "stubborn");
    const foreign = await listenersOf(play, "other");
    const dialogue = { reply_seconds: 3_600, scale_seconds: 30 };
    const id = await play.open({ hosts: ["cmp-01"], workflow: "vnf", dialogue });
    const asked = () => manager.told("PREPARE_MAINTENANCE");
    await play.when(id, "the project to be asked", () => asked().length > 0);
    const [vm] = play.simulator.world.instances.values();
    const project_id = vm?.project_id ?? "";
    await overrideProject(asSecondAdmin(play), id, project_id, "agreed with their boss");
    const { detail } = await play.ended(id);
    await Promise.all([hook.when(1), alarm.when(1)]);

    expect(detail.hosts).toMatchObject([{ outcome: "maintained" }]);
    const page = `${play.api.endpoint}/v1/maintenance/${id}/${project_id}`;
    const told = { service: "lull", project_id, session_id: id, state: "OVERRIDDEN" };
    const where = { instance_ids: page, status_url: page };
    expect(hook.received.map(({ body }) => body)).toEqual([
      {
        type: "maintenance.override",
        timestamp: expect.any(String),
        data: { ...told, ...where, reply_at: null },
      },
    ]);
    const [{ body } = { body: null }, ...more] = alarm.received;
    const { event_type, traits } = body.reason_data.event;
    expect(more).toEqual([]);
    expect(event_type).toBe("maintenance.override");
    expect(Object.fromEntries(traits.map(([name, , value]: string[]) => [name, value]))).toEqual({
      ...told,
      ...where,
    });
    for (const { text } of [...hook.received, ...alarm.received])
      expect(text).not.toMatch(/cmp-01|second-admin|boss/);

    expect(manager.told().map(({ state }) => state)).not.toContain("OVERRIDDEN");
    expect(manager.journal.filter(({ kind }) => kind === "choked")).toEqual([]);
    expect([foreign.hook, foreign.alarm].flatMap(({ received }) => received)).toEqual([]);
  }),
);
