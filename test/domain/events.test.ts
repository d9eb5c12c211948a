import { describe, expect, test } from "vitest";
import { maintenanceHost } from "../../lib/domain/events/maintenance-host.ts";
import { maintenanceScheduled } from "../../lib/domain/events/maintenance-scheduled.ts";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { aClaimedSession, aHost, NOW, SESSION_ID } from "./builders.ts";

const session = aClaimedSession({ hosts: ["cmp-secret"], targets: ["cmp-other"] });
const run = aHost("cmp-secret", { sequence: 3 });
const notice = { projectId: "project-1", instanceIds: ["instance-1"], hostId: "5f3a", at: NOW };

describe("maintenance.scheduled", () => {
  test("tells a project which of its instances are moved, and asks for nothing", () => {
    expect(maintenanceScheduled(session, run, notice)).toMatchObject({
      type: "maintenance.scheduled",
      at: NOW,
      detail: {
        project_id: "project-1",
        session_id: SESSION_ID,
        state: "PLANNED_MAINTENANCE",
        instance_ids: ["instance-1"],
        allowed_actions: [],
        reply_at: null,
      },
    });
  });

  test("names no host anywhere", () => {
    const everything = JSON.stringify(maintenanceScheduled(session, run, notice));

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
