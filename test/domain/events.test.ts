import { describe, expect, test } from "vitest";
import { maintenanceHost } from "../../lib/domain/events/maintenance-host.ts";
import {
  instanceActionDone,
  maintenanceScheduled,
} from "../../lib/domain/events/maintenance-scheduled.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { aClaimedSession, aHost, anAsk, NOW, SESSION_ID } from "./builders.ts";

const session = aClaimedSession({ hosts: ["cmp-secret"], targets: ["cmp-other"] });
const run = aHost("cmp-secret", { sequence: 3 });
const links = { publicUrl: "https://lull.example", hostId: "5f3a" };
const project = `https://lull.example/v1/maintenance/${SESSION_ID}/project-1`;

describe("maintenance.scheduled", () => {
  test("of style default gives the address of the instances, and says until when to answer", () => {
    expect(maintenanceScheduled(session, anAsk(), links)).toEqual({
      schema: 1,
      type: "maintenance.scheduled",
      entity: `${SESSION_ID}/project-1/ask-1`,
      sequence: 1,
      at: NOW,
      detail: {
        service: "lull",
        project_id: "project-1",
        session_id: SESSION_ID,
        state: "PLANNED_MAINTENANCE",
        instance_ids: project,
        allowed_actions: ["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"],
        actions_at: anAsk().actions_at,
        reply_at: anAsk().reply_at,
        reply_url: project,
        metadata: {},
        status_url: "https://lull.example/status/project/5f3a",
      },
    });
  });

  test("of style vnf is about one instance, which its reply address names", () => {
    const vnf = { ...session, workflow: "vnf" } as const;

    expect(maintenanceScheduled(vnf, anAsk(), links).detail).toMatchObject({
      instance_ids: ["instance-1"],
      reply_url: `${project}/instance-1`,
    });
    expect(maintenanceScheduled(vnf, anAsk({ state: "SCALE_IN" }), links).detail).toMatchObject({
      instance_ids: project,
      reply_url: project,
    });
  });

  test("is told apart from what another project is told in the same moment", () => {
    const all = { state: "MAINTENANCE", ask_id: "MAINTENANCE" } as const;
    const entityOf = (project_id: string) =>
      maintenanceScheduled(session, anAsk({ ...all, project_id }), links).entity;

    expect(entityOf("project-1")).not.toBe(entityOf("project-2"));
  });

  test("asks nothing of a project that does not listen", () => {
    const notice = anAsk({ expects_reply: false, allowed_actions: [] });

    expect(maintenanceScheduled(session, notice, links).detail).toMatchObject({
      allowed_actions: [],
      reply_at: null,
    });
  });

  test("tells that an instance has arrived, and awaits nothing", () => {
    expect(instanceActionDone(anAsk(), "instance-1", NOW, links).detail).toMatchObject({
      state: "INSTANCE_ACTION_DONE",
      instance_ids: ["instance-1"],
      allowed_actions: [],
      reply_at: null,
      metadata: {},
    });
  });

  test("names no host anywhere", () => {
    const everything = JSON.stringify([
      maintenanceScheduled(session, anAsk(), links),
      instanceActionDone(anAsk(), "instance-1", NOW, links),
    ]);

    for (const host of ["cmp-secret", "cmp-other"]) expect(everything).not.toContain(host);
  });
});

describe("maintenance.host", () => {
  test.each(["IN_MAINTENANCE", "MAINTENANCE_COMPLETE"] as const)("says that it is %s", (state) => {
    expect(maintenanceHost(run, state, NOW)).toMatchObject({
      type: "maintenance.host",
      sequence: 3,
      detail: { service: "lull", session_id: SESSION_ID, host: "cmp-secret", state },
    });
  });
});

describe("maintenance.session", () => {
  test("carries state, control and progress under the number of the change", () => {
    const paused = aClaimedSession({ control: "paused", sequence: 7 });

    expect(maintenanceSession(paused, 50, NOW)).toMatchObject({
      type: "maintenance.session",
      entity: SESSION_ID,
      sequence: 7,
      detail: { state: "MAINTENANCE", control: "paused", percent_done: 50, attention: [] },
    });
  });
});
