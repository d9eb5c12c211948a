import type { Finding } from "./errors.ts";
import { type Guest, type Movability, movabilityOf } from "./instances.ts";
import type { PreflightSummary, Session } from "./session.ts";

/** One host as pre-flight sees it, read from Nova. */
export type Candidate = {
  readonly host: string;
  /** Its nova-compute; null when Nova knows no such service. UNKNOWN = its cell does not answer. */
  readonly service: {
    readonly state: "up" | "down" | "UNKNOWN";
    readonly status: "enabled" | "disabled" | "UNKNOWN";
    readonly disabledReason: string | null;
  } | null;
  readonly hypervisorType: string;
  /** What it does besides running instances. */
  readonly duties: readonly string[];
  /** Whether the operator said that disks of instances lie on the host itself. */
  readonly localStorage: boolean;
  readonly guests: readonly Guest[];
};

/** What of it says whether the host can be maintained at all. */
export type Fitness = Pick<Candidate, "service" | "hypervisorType" | "duties">;

type Rules = Pick<Session, "policies" | "accept_duties">;

/** With this Nova begins its own reasons: it disabled the host, and will enable it, by itself. */
const BY_NOVA = "AUTO:";

/**
 * Names everything that is known to stop a host from being emptied, before anything is touched.
 * An empty answer is no promise: Nova has the last word on each move.
 */
export const blockersOf = (candidate: Candidate, rules: Rules): Finding[] => {
  const { host, guests } = candidate;
  const obstacle = obstacleOf(candidate);
  if (obstacle) return [{ path: host, ...obstacle }];
  const missed = missedOf(candidate, rules);
  return [
    ...(missed === null ? [] : [{ path: host, ...missed }]),
    ...guests.flatMap((guest) => blockerOf(host, guest, rules)),
  ];
};

type Blocker = Pick<Finding, "code" | "message">;

/** The first thing that is known to stop the host from being maintained, whatever is on it. */
export const hostBlockerOf = (
  fitness: Fitness,
  rules: Pick<Rules, "accept_duties">,
): Blocker | null => obstacleOf(fitness) ?? missedOf(fitness, rules);

/** What the cloud would miss during the work. */
const missedOf = (
  { duties }: Fitness,
  { accept_duties }: Pick<Rules, "accept_duties">,
): Blocker | null =>
  duties.length === 0 || accept_duties
    ? null
    : {
        code: "duties",
        message: `it also runs ${duties.join(", ")}, which the work would interrupt; move that away first, or set accept_duties`,
      };

/** Why the host cannot be emptied whatever is on it. */
const obstacleOf = ({ service, hypervisorType }: Fitness): Blocker | null => {
  if (service === null)
    return {
      code: "host_unknown",
      message: "Nova has no nova-compute service there; sync the inventory",
    };
  if (hypervisorType.toLowerCase() === "ironic")
    return {
      code: "host_ironic",
      message: "bare-metal nodes are not maintained by moving guests; leave it out",
    };
  if (service.state === "UNKNOWN" || service.status === "UNKNOWN")
    return {
      code: "cell_down",
      message: "its cell does not answer, so nobody knows what is on it; repair the cell",
    };
  if (service.state === "down")
    return {
      code: "host_down",
      message:
        "nova-compute is down there, so nothing can be moved away; bring it up or evacuate it first",
    };
  if (service.disabledReason?.startsWith(BY_NOVA))
    return {
      code: "host_auto_disabled",
      message: `Nova disabled it by itself (${service.disabledReason}), so nothing can be moved away; repair it, and Nova enables it again`,
    };
  return null;
};

const blockerOf = (host: string, guest: Guest, { policies }: Rules): Finding[] => {
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
};

/** Why no instance can be moved to a host that the session names as a target. */
export const targetFindings = (
  targets: readonly string[],
  services: ReadonlyMap<string, NonNullable<Candidate["service"]>>,
): Finding[] =>
  [...new Set(targets)].flatMap((target) => {
    const service = services.get(target);
    const finding = (code: string, message: string): Finding[] => [{ path: target, code, message }];
    if (service === undefined)
      return finding(
        "target_unknown",
        "Nova has no nova-compute service there; name another target",
      );
    if (service.status === "disabled")
      return finding(
        "target_disabled",
        `it is a target and disabled (${service.disabledReason ?? "no reason given"}): Nova moves nothing there`,
      );
    if (service.state !== "up")
      return finding("target_down", "it is a target, and its nova-compute is not up");
    return [];
  });

/** What is written down of an instance that is neither moved live nor in the way. */
const noteOn = (movability: Movability): string | null => {
  switch (movability.kind) {
    case "live":
    case "blocked":
      return null;
    case "cold":
      return "it is shut off, and moved so";
    case "offload":
      return "it is shelved, and offloaded";
    default:
      return movability.why;
  }
};

/**
 * What becomes of the instances of the hosts: how many of each class, and by name those that are not
 * simply moved live. Those in the way are findings, and only counted here.
 */
export const summaryOf = (
  candidates: readonly Candidate[],
  { policies }: Pick<Session, "policies">,
): Pick<PreflightSummary, "instances_total" | "by_class" | "local_disk_gb" | "notes"> => {
  const found = candidates.flatMap(({ host, localStorage, guests }) =>
    guests.map((guest) => {
      const movability = movabilityOf(guest, policies);
      const { kind } = movability;
      const copied = localStorage && (kind === "live" || kind === "cold") ? guest.localDiskGb : 0;
      return { host, guest, kind, copied, why: noteOn(movability) };
    }),
  );
  return {
    instances_total: found.length,
    by_class: Object.fromEntries(
      [...Map.groupBy(found, ({ kind }) => kind)].map(([kind, some]) => [kind, some.length]),
    ),
    local_disk_gb: found.reduce((sum, { copied }) => sum + copied, 0),
    notes: found.flatMap(({ host, guest, kind, why }) =>
      why === null
        ? []
        : { host, instance_id: guest.id, instance_name: guest.name, class: kind, why },
    ),
  };
};
