import { alarmsFiredBy } from "../alarms/receivers.ts";
import type { Settings } from "../config.ts";
import type { Ask, AskedState } from "../domain/dialogue/ask.ts";
import type { Reach } from "../domain/reach.ts";
import type { Cloud } from "../openstack/cloud.ts";
import type { DeliveryStore } from "../store/deliveries.ts";
import type { SubscriptionStore } from "../store/subscriptions.ts";

type Means = {
  readonly settings: Settings;
  readonly subscriptions: SubscriptionStore;
  readonly deliveries: DeliveryStore;
  readonly cloud: () => Promise<Cloud>;
};

/** Who hears what projects are told, and what of it has arrived. */
export type Audience = {
  /**
   * Whether anybody of the project hears of this state, and so may be waited for: by a webhook, or
   * by an event alarm in Aodh.
   */
  readonly listens: (projectId: string, state: AskedState) => Promise<boolean>;
  /** Whether what was sent for the ask has arrived anywhere. */
  readonly reachOf: (ask: Ask) => Promise<Reach>;
};

export const audience = ({ settings, subscriptions, deliveries, cloud }: Means): Audience => {
  const { LULL_AODH: aodh } = settings;
  return {
    async listens(projectId, state) {
      if ((await subscriptions.list(projectId)).length > 0) return true;
      if (aodh === "off") return false;
      const detail = { service: "lull", project_id: projectId, state };
      return (await alarmsFiredBy(await cloud(), projectId, detail)).length > 0;
    },

    async reachOf({ session_id, project_id, asked_at }) {
      const reach = await deliveries.reachOf(session_id, project_id, asked_at);
      // What Aodh makes of it is not told.
      return reach.kind === "none" && aodh === "bus" ? { ...reach, kind: "reached" } : reach;
    },
  };
};
