import { boundTo } from "./bound.ts";
import type { Policies } from "./session.ts";

/** An instance as Nova lists it, with what decides whether it can be moved. */
export type Guest = {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  /** Nova's `status`, e.g. ACTIVE, SHUTOFF, VERIFY_RESIZE. */
  readonly status: string;
  /** What Nova is doing with it right now; null when it rests. */
  readonly taskState: string | null;
  /** Nova's: 1 runs, 3 paused, 4 shut down, 0 none; null when its cell does not tell. */
  readonly powerState: number | null;
  readonly locked: boolean;
  readonly lockedReason: string | null;
  /** Extra specs of its flavor, e.g. `pci_passthrough:alias`. */
  readonly extraSpecs: Readonly<Record<string, string>>;
  /** Of its image, e.g. `hw_tpm_version`; empty where Nova does not tell. */
  readonly imageProperties: Readonly<Record<string, string>>;
  /** Kinds of its ports, e.g. `normal`, `direct`. */
  readonly vnicTypes: readonly string[];
  /** Policies of its server groups, e.g. `affinity`. */
  readonly groups: readonly string[];
  /** What it takes of its host, as Placement counts: pinned processors are not VCPU. */
  readonly needs: Readonly<Record<"MEMORY_MB" | "VCPU", number>>;
  /** What it takes of its host's own disk if its disks lie there, in GiB. */
  readonly localDiskGb: number;
};

/**
 * What becomes of an instance whose host is to be emptied: `live` = live migration; `cold` = cold
 * migration, and it stays shut off; `offload` = shelve offload; `stay` = it rests and is left where
 * it is; `stop_start` = stopped where it is, and started after the work; `wait` = Nova is busy with
 * it, look again; `blocked` = nobody may touch it until its owner or an admin acts, `rule` names why.
 */
export type Movability =
  | { readonly kind: "live" }
  | { readonly kind: "cold" }
  | { readonly kind: "offload" }
  | { readonly kind: "stay"; readonly why: string }
  | { readonly kind: "stop_start"; readonly why: string }
  | { readonly kind: "wait"; readonly why: string }
  | { readonly kind: "blocked"; readonly rule: string; readonly what_to_do: string };

/** Statuses that end by themselves, with or without a task. */
const TRANSIENT = new Set([
  "BUILD",
  "DELETED",
  "HARD_REBOOT",
  "MIGRATING",
  "PASSWORD",
  "REBOOT",
  "REBUILD",
  "RESIZE",
  "REVERT_RESIZE",
  "SHELVED_OFFLOADED",
]);

/** Statuses in which a task may be left over for ever. */
const UNTRUSTED_TASK = new Set(["ERROR", "UNKNOWN"]);

/** Why an instance in this status stays whatever the policies say, and who can change that. */
const BLOCKED: ReadonlyMap<string, string> = new Map([
  ["SUSPENDED", "its owner resumes it, or deletes it"],
  ["RESCUE", "its owner unrescues it"],
  ["SOFT_DELETED", "restore it, or wait until Nova has reclaimed it, or delete it by force"],
  ["VERIFY_RESIZE", "its owner confirms or reverts the resize"],
  ["UNKNOWN", "its cell does not answer; repair the cell"],
]);

export const RUNNING = 1;
const PAUSED = 3;

/** Whether its guest has memory on the host, whatever its status says. */
const hasMemory = ({ powerState }: Pick<Guest, "powerState">): boolean =>
  powerState === RUNNING || powerState === PAUSED;

/**
 * Whether the instance does not run and Nova does nothing with it: only such a one may be on a host
 * that is worked on.
 */
export const isAtRest = (guest: Pick<Guest, "status" | "taskState" | "powerState">): boolean =>
  (guest.status === "SHUTOFF" || guest.status === "ERROR") &&
  guest.taskState === null &&
  !hasMemory(guest);

const blocked = (rule: string, what_to_do: string): Movability => ({
  kind: "blocked",
  rule,
  what_to_do,
});

/**
 * Decides how an instance leaves its host, or that it stays. Only what cannot interrupt it is chosen
 * here; every other way needs the word of the session's policies.
 *
 * Where several things hold it, the first of these speaks: what Nova does with it or does not know of
 * it; its status; its owner's lock; a device of the host; its server group. What is left where it is
 * is not touched, so no lock and no group keeps it from that.
 */
export const movabilityOf = (guest: Guest, policies: Policies): Movability => {
  if (TRANSIENT.has(guest.status) || isBusy(guest))
    return { kind: "wait", why: `Nova is busy with it (${guest.taskState ?? guest.status})` };
  if (guest.status === "ACTIVE" || guest.status === "PAUSED") return ofRunning(guest, policies);
  if (guest.status === "SHUTOFF") return ofShutOff(guest, policies);
  if (guest.status === "SHELVED") return ofShelved(guest, policies);
  if (guest.status === "ERROR") return ofBroken(guest, policies);
  return blocked(
    `status_${guest.status.toLowerCase()}`,
    BLOCKED.get(guest.status) ?? "bring it to ACTIVE",
  );
};

const isBusy = ({ status, taskState }: Guest): boolean =>
  taskState !== null && !UNTRUSTED_TASK.has(status);

const ofRunning = (guest: Guest, policies: Policies): Movability => {
  const lock = lockOf(guest, policies);
  if (lock) return lock;
  const device = boundTo(guest);
  if (device === null) return affinityOf(guest) ?? { kind: "live" };
  if (policies.device_bound === "block")
    return blocked(
      "device_bound",
      `it holds ${device} of the host; its owner stops or rebuilds it, or policies.device_bound is stop_start`,
    );
  if (guest.status === "PAUSED")
    return blocked(
      "device_bound",
      `it holds ${device} of the host and cannot be stopped while paused; its owner unpauses it`,
    );
  return { kind: "stop_start", why: `it holds ${device} of the host` };
};

const ofShutOff = (guest: Guest, policies: Policies): Movability => {
  if (hasMemory(guest))
    return { kind: "wait", why: "Nova says SHUTOFF and its guest runs: Nova is about to see it" };
  if (policies.shutoff === "stay") return { kind: "stay", why: "it is shut off" };
  if (policies.shutoff === "block")
    return blocked(
      "status_shutoff",
      "start it, or delete it, or policies.shutoff is migrate or stay",
    );
  const lock = lockOf(guest, policies);
  if (lock) return lock;
  const device = boundTo(guest);
  if (device === null) return affinityOf(guest) ?? { kind: "cold" };
  if (policies.device_bound === "stop_start")
    return { kind: "stay", why: `it is shut off and holds ${device} of the host` };
  return blocked(
    "device_bound",
    `it is shut off and holds ${device} of the host; policies.shutoff is stay, or its owner deletes it`,
  );
};

const ofShelved = (guest: Guest, policies: Policies): Movability =>
  policies.shelved === "block"
    ? blocked(
        "status_shelved",
        `offload it: openstack server shelve --offload ${guest.id}; or policies.shelved is offload`,
      )
    : (lockOf(guest, policies) ?? { kind: "offload" });

const ofBroken = (guest: Guest, policies: Policies): Movability => {
  if (policies.error === "block")
    return blocked(
      "status_error",
      "repair it (reset-state and hard reboot), or delete it, or agree with its owner that it stays: policies.error is stay",
    );
  if (guest.taskState !== null)
    return blocked(
      "status_error",
      `Nova left it in the middle of ${guest.taskState}; reset its state: openstack server set --state error ${guest.id}`,
    );
  if (hasMemory(guest))
    return blocked(
      "status_error",
      `its guest runs all the same; reset its state: openstack server set --state active ${guest.id}`,
    );
  return { kind: "stay", why: "it is in ERROR" };
};

/** Nova lets an admin past the lock and answers everybody else 409. */
const lockOf = ({ locked, lockedReason }: Guest, policies: Policies): Movability | null =>
  locked && policies.locked === "block"
    ? blocked(
        "locked",
        `it is locked (${lockedReason ?? "no reason given"}); its owner, or an admin, unlocks it, or policies.locked is move`,
      )
    : null;

/** The scheduler takes members of a hard affinity group to no host but the group's own. */
const affinityOf = ({ groups }: Guest): Movability | null =>
  groups.includes("affinity")
    ? blocked(
        "hard_affinity",
        "its server group keeps it on this host; its owner rebuilds it outside the group, or deletes it",
      )
    : null;
