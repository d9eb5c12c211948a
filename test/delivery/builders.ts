import { type ProjectEvent, projectEventSchema } from "../../lib/domain/events/project-event.ts";
import { later } from "../../lib/domain/instant.ts";
import type { Receiver } from "../../lib/domain/receiver.ts";
import type { PassingTime } from "../../lib/lambda/passing-time.ts";
import { NOW } from "../store/dynamodb.ts";

/** An event as it comes from the bus; the nth of its session happens n seconds after the first. */
export const aProjectEvent = (
  n = 0,
  but: Partial<ProjectEvent> = {},
): ProjectEvent & { readonly entity: string } =>
  projectEventSchema.parse({
    service: "lull",
    project_id: "project-1",
    session_id: "session-1",
    state: "PLANNED_MAINTENANCE",
    instance_ids: ["instance-1"],
    allowed_actions: [],
    actions_at: NOW,
    reply_at: null,
    metadata: {},
    entity: "session-1/0a1b",
    sequence: n,
    at: later(NOW, n),
    ...but,
  });

/** Time that only passes when somebody waits or `pass` is called. */
export const testTime = (
  start: string = NOW,
): PassingTime & { pass: (seconds: number) => void } => {
  let now = start;
  return {
    now: () => now,
    secondsLeft: () => 900,
    waitUntil: async (at) => {
      if (at > now) now = at;
    },
    pass: (seconds) => {
      now = later(now, seconds);
    },
  };
};

const alarm = {
  alarm_id: "alarm-1",
  name: "maintenance",
  project_id: "project-1",
  state: "insufficient data",
  severity: "low",
  event_rule: { query: [] },
};

/** The one receiver of its kind. */
export const aReceiver = (kind: Receiver["kind"], url: string): Receiver => ({
  kind,
  receiver_id: `${kind}-1`,
  url,
  alarm,
});
