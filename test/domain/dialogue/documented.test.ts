import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { maintenanceOverride } from "../../../lib/domain/events/maintenance-override.ts";
import {
  instanceActionDone,
  maintenanceScheduled,
} from "../../../lib/domain/events/maintenance-scheduled.ts";
import { anAsk, aSession } from "../builders.ts";

const documented = [
  ...readFileSync("docs/dialogue.md", "utf8").matchAll(/^```json\n(.*?)^```$/gms),
].map(([, text = ""]) => JSON.parse(text));

const all = { publicUrl: "https://lull.example.org", hostId: null };
const host = { ...all, hostId: "HOSTID" };
const session = aSession({ metadata: { openstack_version: "2026.1" } });
const vnf = { ...session, workflow: "vnf" } as const;
const of = (but: Parameters<typeof anAsk>[0]) =>
  anAsk({ session_id: "SESSION", project_id: "PROJECT", instance_ids: ["INSTANCE"], ...but });
const asked = of({
  reply_at: "2026-03-01T06:02:00.000Z",
  actions_at: "2026-03-01T06:02:00.000Z",
});
const whole = { ...asked, allowed_actions: [] };

test("each message that docs/dialogue.md shows is what is sent", () => {
  const sent = [
    maintenanceScheduled(
      session,
      {
        ...whole,
        state: "MAINTENANCE",
        actions_at: "2026-03-01T06:00:00.000Z",
        reply_at: "2026-03-01T05:52:00.000Z",
      },
      all,
    ),
    maintenanceScheduled(
      session,
      {
        ...whole,
        state: "SCALE_IN",
        actions_at: "2026-03-01T06:15:00.000Z",
        reply_at: "2026-03-01T06:15:00.000Z",
        missing: { MEMORY_MB: 4096 },
      },
      all,
    ),
    maintenanceScheduled(
      session,
      {
        ...whole,
        state: "MAINTENANCE_COMPLETE",
        actions_at: null,
        reply_at: "2026-03-01T08:15:00.000Z",
      },
      all,
    ),
    maintenanceScheduled(session, { ...asked, state: "PREPARE_MAINTENANCE" }, host),
    maintenanceScheduled(vnf, asked, host),
    maintenanceScheduled(vnf, { ...whole, expects_reply: false }, host),
    instanceActionDone(asked, "INSTANCE", "2026-03-01T06:03:10.000Z", host),
    maintenanceOverride(asked, {
      projectId: "PROJECT",
      at: "2026-03-01T06:01:00.000Z",
      publicUrl: all.publicUrl,
    }),
  ];

  expect(documented).toEqual(sent.map(({ detail }) => detail));
});
