/** An instance as Nova lists it, with what decides whether it can be moved. */
export type Guest = {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  /** Nova's `status`, e.g. ACTIVE, SHUTOFF, VERIFY_RESIZE. */
  readonly status: string;
  /** What Nova is doing with it right now; null when it rests. */
  readonly taskState: string | null;
  readonly locked: boolean;
  /** Extra specs of its flavor, e.g. `pci_passthrough:alias`. */
  readonly extraSpecs: Readonly<Record<string, string>>;
};

/**
 * What can be done with an instance that has to leave its host: `live` = live migration, `wait` =
 * Nova is busy with it, look again; `blocked` = nobody may touch it until its owner or an admin
 * acts, `rule` names why.
 */
export type Movability =
  | { readonly kind: "live" }
  | { readonly kind: "wait"; readonly why: string }
  | { readonly kind: "blocked"; readonly rule: string; readonly what_to_do: string };

/** Statuses in which Nova takes a live migration, and those that end by themselves. */
const MIGRATABLE = new Set(["ACTIVE", "PAUSED"]);
const TRANSIENT = new Set([
  "BUILD",
  "REBOOT",
  "HARD_REBOOT",
  "MIGRATING",
  "PASSWORD",
  "REBUILD",
  "RESIZE",
]);

/** Why an instance in this status stays, and who can change that. */
const BLOCKED: ReadonlyMap<string, string> = new Map([
  ["SHUTOFF", "start it, or move it by cold migration, or delete it"],
  ["SUSPENDED", "its owner resumes it, or deletes it"],
  ["RESCUE", "its owner unrescues it"],
  ["SHELVED", "offload it: openstack server shelve --offload"],
  ["SOFT_DELETED", "restore it or wait until Nova has reclaimed it"],
  ["VERIFY_RESIZE", "its owner confirms or reverts the resize"],
  ["ERROR", "repair it (reset-state and hard reboot) or agree that it is deleted"],
  ["UNKNOWN", "its cell does not answer; repair the cell"],
]);

/** Flavor extra specs of guests bound to a device of their host, which live migration refuses. */
const DEVICE_SPECS: readonly (readonly [prefix: string, device: string])[] = [
  ["pci_passthrough:alias", "a PCI device"],
  ["resources:VGPU", "a virtual GPU"],
  ["hw:mem_encryption", "encrypted memory"],
  ["hw:pmem", "persistent memory"],
  ["accel:device_profile", "an accelerator"],
];

/**
 * Decides how an instance may leave its host. Only what cannot interrupt it is ever chosen here;
 * every other way needs its owner's word.
 */
export const movabilityOf = (guest: Guest): Movability => {
  const blocked = (rule: string, what_to_do: string): Movability => ({
    kind: "blocked",
    rule,
    what_to_do,
  });
  // In ERROR and UNKNOWN a task state may be left over for ever; anywhere else it ends by itself.
  const busy = guest.taskState !== null && guest.status !== "ERROR" && guest.status !== "UNKNOWN";
  if (busy || TRANSIENT.has(guest.status))
    return { kind: "wait", why: `Nova is busy with it (${guest.taskState ?? guest.status})` };
  if (!MIGRATABLE.has(guest.status))
    return blocked(
      `status_${guest.status.toLowerCase()}`,
      BLOCKED.get(guest.status) ?? "bring it to ACTIVE",
    );
  if (guest.locked) return blocked("locked", "its owner, or an admin, unlocks it");
  const device = DEVICE_SPECS.find(([prefix]) =>
    Object.keys(guest.extraSpecs).some((key) => key.startsWith(prefix)),
  );
  if (device)
    return blocked(
      "device_bound",
      `it holds ${device[1]} of the host; its owner stops or rebuilds it`,
    );
  return { kind: "live" };
};
