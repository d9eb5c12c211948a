import { alarmsFiredBy } from "../alarms/receivers.ts";
import type { Settings } from "../config.ts";
import { isHeard } from "../domain/alarms.ts";
import type { Ask } from "../domain/dialogue/ask.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { MAINTENANCE_SCHEDULED } from "../domain/events/project-event.ts";
import type { Reach } from "../domain/reach.ts";
import { wants } from "../domain/subscription.ts";
import type { Cloud } from "../openstack/cloud.ts";
import type { DeliveryStore } from "../store/deliveries.ts";
import type { SubscriptionStore } from "../store/subscriptions.ts";

type Means = {
  readonly settings: Pick<Settings, "LULL_AODH">;
  readonly subscriptions: SubscriptionStore;
  readonly deliveries: DeliveryStore;
  readonly cloud: () => Promise<Cloud>;
};

/** Who hears what projects are told, and what of it has arrived. */
export type Audience = {
  /**
   * Whether anybody of the project would hear of such an event, and so may be waited for: by a
   * webhook, or by an event alarm in Aodh.
   */
  readonly listens: (
    projectId: string,
    event: Pick<DomainEvent, "at" | "detail">,
  ) => Promise<boolean>;
  /** Whether what was sent for the ask has arrived anywhere. */
  readonly reachOf: (ask: Ask) => Promise<Reach>;
};

export const audience = ({ settings, subscriptions, deliveries, cloud }: Means): Audience => {
  const { LULL_AODH: aodh } = settings;
  return {
    async listens(projectId, { at, detail }) {
      const hooks = await subscriptions.list(projectId);
      if (hooks.some((hook) => wants(hook, MAINTENANCE_SCHEDULED))) return true;
      if (aodh === "off") return false;
      const fired = await alarmsFiredBy(await cloud(), projectId, { ...detail, at });
      return fired.some((alarm) => isHeard(alarm, aodh));
    },

    async reachOf({ session_id, project_id, asked_at }) {
      const reach = await deliveries.reachOf(session_id, project_id, asked_at);
      // What Aodh makes of it is not told.
      return reach.kind === "none" && aodh === "bus" ? { ...reach, kind: "reached" } : reach;
    },
  };
};
