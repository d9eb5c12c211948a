import * as z from "zod";
import type { Cloud } from "../../lib/openstack/cloud.ts";
import { call } from "../../lib/openstack/http.ts";

const madeSchema = z.object({ alarm_id: z.string() });

/** An event alarm of that member's project. @returns its id */
export const makeAlarm = async (
  member: Cloud,
  { event_type, query = [], ...alarm }: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const made = await call(member.service("alarming"), "/alarms", madeSchema, {
    method: "POST",
    body: {
      name: "lull-test",
      type: "event",
      repeat_actions: true,
      event_rule: { event_type, query },
      ...alarm,
    },
    expect: [201],
  });
  return made.alarm_id;
};

export const deleteAlarm = async (member: Cloud, id: string): Promise<void> => {
  await call(member.service("alarming"), `/alarms/${id}`, z.unknown(), {
    method: "DELETE",
    expect: [204],
  });
};

/** Deletes what an interrupted run has left in that member's project. */
export const deleteAlarms = async (member: Cloud): Promise<void> => {
  const own = await call(member.service("alarming"), "/alarms", z.array(madeSchema));
  for (const { alarm_id } of own) await deleteAlarm(member, alarm_id);
};
