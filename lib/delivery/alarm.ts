import { alarmReceiversOf, alarmRequest } from "../alarms/receivers.ts";
import type { Settings } from "../config.ts";
import { mayBeTold } from "../domain/events/project-event.ts";
import { ANSWER_SECONDS } from "../domain/receiver.ts";
import type { EgressPolicy } from "../egress.ts";
import { egressPolicyOf } from "../egress-policy.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { post } from "./post.ts";
import type { ReceiverKind } from "./receivers.ts";

/** Application managers that listen by an event alarm in Aodh, sent to as Aodh itself would. */
export const alarms = (settings: Settings, cloud: () => Promise<Cloud>): ReceiverKind => {
  const policy: EgressPolicy = egressPolicyOf(settings);
  const { LULL_AODH: aodh, LULL_HOST_EVENT_PROJECTS: listed } = settings;

  return {
    kind: "alarm",
    find: async (event) => {
      if (aodh !== "direct" || !mayBeTold(event, listed)) return [];
      const found = await alarmReceiversOf(await cloud(), event.project_id, event, {
        aodh,
        type: event.type,
      });
      return found.map(({ id, url, alarm }) => ({ kind: "alarm", receiver_id: id, url, alarm }));
    },
    send: async ({ receiver, event }) => {
      if (receiver.kind !== "alarm") throw new Error(`${receiver.receiver_id} is no alarm`);
      if (!mayBeTold(event, listed))
        return { kind: "refused", why: "its project is told of hosts no more" };
      const { type, entity, sequence, at } = event;
      const happening = { type, entity, sequence, at, detail: event };
      const { url, headers, body } = alarmRequest(receiver, happening);
      return post({ url, headers, body, timeoutMs: ANSWER_SECONDS.alarm * 1000 }, policy);
    },
  };
};
