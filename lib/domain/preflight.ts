import type { Finding } from "./errors.ts";
import { type Guest, movabilityOf } from "./instances.ts";
import type { Policies } from "./session.ts";

/** One host as pre-flight sees it, read from Nova. */
export type Candidate = {
  readonly host: string;
  /** State of nova-compute; null when Nova knows no such service. */
  readonly state: "up" | "down" | null;
  readonly hypervisorType: string;
  readonly guests: readonly Guest[];
};

/**
 * Names everything that is known to stop a host from being emptied, before anything is touched.
 * An empty answer is no promise: Nova has the last word on each move.
 */
export const blockersOf = (
  { host, state, hypervisorType, guests }: Candidate,
  policies: Policies,
): Finding[] => {
  if (state === null)
    return [
      {
        path: host,
        code: "host_unknown",
        message: "Nova has no nova-compute service there; sync the inventory",
      },
    ];
  if (hypervisorType.toLowerCase() === "ironic")
    return [
      {
        path: host,
        code: "host_ironic",
        message: "bare-metal nodes are not maintained by moving guests; leave it out",
      },
    ];
  if (state === "down")
    return [
      {
        path: host,
        code: "host_down",
        message:
          "nova-compute is down there, so nothing can be moved away; bring it up or evacuate it first",
      },
    ];
  return guests.flatMap((guest) => {
    const movability = movabilityOf(guest, policies);
    if (movability.kind !== "blocked") return [];
    const { rule, what_to_do } = movability;
    return [
      {
        path: `${host}/${guest.id}`,
        code: rule,
        message: `${guest.name} (project ${guest.projectId}) is ${guest.status}: ${what_to_do}`,
      },
    ];
  });
};
