import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Guest, isAtRest, type Movability, movabilityOf } from "../../lib/domain/instances.ts";
import { type Policies, policiesSchema } from "../../lib/domain/session.ts";
import { aGuest } from "./builders.ts";

/** The defaults, but for what is said. */
const policies = (but: Partial<Policies> = {}): Policies => policiesSchema.parse(but);

/** Everything is left in the way. */
const CAREFUL = policies({
  shutoff: "block",
  error: "block",
  shelved: "block",
  locked: "block",
  device_bound: "block",
});

const of = (guest: Partial<Guest>, but: Partial<Policies> = {}): Movability =>
  movabilityOf(aGuest(guest), policies(but));

const inTheWay = (rule: string, what_to_do: string) => ({
  kind: "blocked",
  rule,
  what_to_do: expect.stringContaining(what_to_do),
});

const DEVICE = { vnicTypes: ["normal", "direct"] };
const GROUPED = { groups: ["affinity"] };
const LOCKED = { locked: true, lockedReason: "payroll" };

/** Every status of Nova's API reference, "Server status". */
const STATUSES = [
  "ACTIVE",
  "BUILD",
  "DELETED",
  "ERROR",
  "HARD_REBOOT",
  "MIGRATING",
  "PASSWORD",
  "PAUSED",
  "REBOOT",
  "REBUILD",
  "RESCUE",
  "RESIZE",
  "REVERT_RESIZE",
  "SHELVED",
  "SHELVED_OFFLOADED",
  "SHUTOFF",
  "SOFT_DELETED",
  "SUSPENDED",
  "UNKNOWN",
  "VERIFY_RESIZE",
];

test.each(["ACTIVE", "PAUSED"])("an instance that is %s is live-migrated", (status) => {
  expect(of({ status })).toEqual({ kind: "live" });
});

describe("an instance that is shut off", () => {
  test("is moved cold, unless told otherwise", () => {
    expect(of({ status: "SHUTOFF" })).toEqual({ kind: "cold" });
  });

  test("is left where it is, if it may be: then neither lock nor device nor group matter", () => {
    const guest = { status: "SHUTOFF", ...LOCKED, ...DEVICE, ...GROUPED };

    expect(of(guest, { shutoff: "stay" })).toEqual({ kind: "stay", why: "it is shut off" });
  });

  test("is in the way, if it may be neither", () => {
    expect(of({ status: "SHUTOFF" }, { shutoff: "block" })).toEqual(
      inTheWay("status_shutoff", "start it"),
    );
  });

  test("and whose guest runs all the same is looked at again", () => {
    expect(of({ status: "SHUTOFF", powerState: 1 }, { shutoff: "stay" }).kind).toBe("wait");
  });

  test("and bound to a device is left where it is if it could be stopped, else in the way", () => {
    const guest = { status: "SHUTOFF", ...DEVICE };

    expect(of(guest)).toEqual(inTheWay("device_bound", "policies.shutoff is stay"));
    expect(of(guest, { device_bound: "stop_start" })).toEqual({
      kind: "stay",
      why: "it is shut off and holds a network device (direct) of the host",
    });
  });
});

describe("an instance that is shelved and still on its host", () => {
  test("is in the way, unless it may be offloaded", () => {
    expect(of({ status: "SHELVED" })).toEqual(inTheWay("status_shelved", "shelve --offload"));
    expect(of({ status: "SHELVED" }, { shelved: "offload" })).toEqual({ kind: "offload" });
  });

  test("is not offloaded behind its owner's lock", () => {
    const guest = { status: "SHELVED", ...LOCKED };

    expect(of(guest, { shelved: "offload" })).toEqual(inTheWay("locked", "payroll"));
    expect(of(guest, { shelved: "offload", locked: "move" })).toEqual({ kind: "offload" });
  });

  test("is offloaded whatever its device and its group: it gives both up", () => {
    const guest = { status: "SHELVED", ...DEVICE, ...GROUPED };

    expect(of(guest, { shelved: "offload" })).toEqual({ kind: "offload" });
  });
});

describe("an instance in ERROR", () => {
  test("is in the way, unless its owner agrees that it stays", () => {
    expect(of({ status: "ERROR" })).toEqual(inTheWay("status_error", "repair it"));
    expect(of({ status: "ERROR" }, { error: "stay" })).toEqual({
      kind: "stay",
      why: "it is in ERROR",
    });
  });

  test.each([1, 3])("does not stay while its guest has memory there (power state %s)", (power) => {
    expect(of({ status: "ERROR", powerState: power }, { error: "stay" })).toEqual(
      inTheWay("status_error", "its guest runs all the same"),
    );
  });

  test("does not stay in the middle of a task, and is not waited for either", () => {
    expect(of({ status: "ERROR", taskState: "deleting" }, { error: "stay" })).toEqual(
      inTheWay("status_error", "in the middle of deleting"),
    );
  });
});

test.each([
  ["SUSPENDED", "owner resumes"],
  ["RESCUE", "owner unrescues"],
  ["SOFT_DELETED", "reclaimed"],
  ["VERIFY_RESIZE", "confirms or reverts"],
  ["UNKNOWN", "cell"],
])("an instance that is %s is in the way until somebody acts: %s", (status, what_to_do) => {
  const permissive = policies({
    shutoff: "stay",
    error: "stay",
    shelved: "offload",
    locked: "move",
    device_bound: "stop_start",
  });

  expect(movabilityOf(aGuest({ status }), permissive)).toEqual(
    inTheWay(`status_${status.toLowerCase()}`, what_to_do),
  );
});

test.each([
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
])("an instance that is %s is looked at again", (status) => {
  expect(of({ status }).kind).toBe("wait");
});

test.each([
  ["ACTIVE", "image_snapshot"],
  ["SHUTOFF", "powering-on"],
  ["SUSPENDED", "resuming"],
  ["RESCUE", "unrescuing"],
  ["VERIFY_RESIZE", "resize_reverting"],
  ["SHELVED", "shelving_offloading"],
])("an instance that is %s and %s is looked at again, and the task is named", (status, task) => {
  expect(movabilityOf(aGuest({ status, taskState: task }), CAREFUL)).toEqual({
    kind: "wait",
    why: expect.stringContaining(task),
  });
});

test.each(["ERROR", "UNKNOWN"])(
  "an instance in %s is not waited for: its task may be left over for ever",
  (status) => {
    expect(of({ status, taskState: "deleting" }).kind).toBe("blocked");
  },
);

test.each(["constructor", "toString"])("a status nobody knows, like %s, is blocked", (status) => {
  expect(of({ status })).toMatchObject({ kind: "blocked", what_to_do: "bring it to ACTIVE" });
});

describe("a locked instance", () => {
  test("is its owner's to unlock, whose words are told", () => {
    expect(of(LOCKED)).toEqual(inTheWay("locked", "it is locked (payroll)"));
    expect(of({ locked: true })).toEqual(inTheWay("locked", "it is locked (no reason given)"));
  });

  test("is moved as if it were not, where the session says so", () => {
    expect(of(LOCKED, { locked: "move" })).toEqual({ kind: "live" });
    expect(of({ ...LOCKED, status: "SHUTOFF" }, { locked: "move" })).toEqual({ kind: "cold" });
  });
});

describe("a member of a server group", () => {
  test.each(["ACTIVE", "PAUSED", "SHUTOFF"])(
    "with hard affinity, %s, is kept on this host by its group",
    (status) => {
      expect(of({ status, ...GROUPED })).toEqual(inTheWay("hard_affinity", "its server group"));
    },
  );

  test.each(["anti-affinity", "soft-affinity", "soft-anti-affinity"])(
    "with %s is moved: its hosts are chosen accordingly",
    (policy) => {
      expect(of({ groups: [policy] })).toEqual({ kind: "live" });
    },
  );
});

describe("an instance bound to a device of its host", () => {
  test.each<[string, Partial<Guest>, string]>([
    ["an SR-IOV port", { vnicTypes: ["direct"] }, "a network device (direct)"],
    ["a whole network card", { vnicTypes: ["direct-physical"] }, "direct-physical"],
    ["a macvtap port", { vnicTypes: ["normal", "macvtap"] }, "macvtap"],
    ["a vDPA port", { vnicTypes: ["vdpa"] }, "vdpa"],
    ["a port of a SmartNIC", { vnicTypes: ["accelerator-direct"] }, "accelerator-direct"],
    ["a PCI device", { extraSpecs: { "pci_passthrough:alias": "a1:2" } }, "a PCI device"],
    ["a vGPU", { extraSpecs: { "resources:VGPU": "1" } }, "a virtual GPU"],
    ["a vGPU in a numbered group", { extraSpecs: { "resources1:VGPU": "1" } }, "a virtual GPU"],
    ["a GPU", { extraSpecs: { "resources:PGPU": "1" } }, "a GPU"],
    ["encrypted memory", { extraSpecs: { "hw:mem_encryption": "True" } }, "encrypted memory"],
    [
      "encrypted memory by its image",
      { imageProperties: { hw_mem_encryption: "true" } },
      "encrypted memory",
    ],
    ["persistent memory", { extraSpecs: { "hw:pmem": "6GB" } }, "persistent memory"],
    ["an accelerator", { extraSpecs: { "accel:device_profile": "fpga" } }, "an accelerator"],
    ["a virtual TPM", { extraSpecs: { "hw:tpm_version": "2.0" } }, "a virtual TPM"],
    ["a virtual TPM by its image", { imageProperties: { hw_tpm_model: "tpm-crb" } }, "TPM"],
  ])("%s is in the way, or stopped and started", (_, held, device) => {
    expect(of(held)).toEqual(inTheWay("device_bound", device));
    expect(of(held, { device_bound: "stop_start" })).toEqual({
      kind: "stop_start",
      why: expect.stringContaining(device),
    });
  });

  test.each<[string, Partial<Guest>]>([
    ["pinned CPUs", { extraSpecs: { "hw:cpu_policy": "dedicated", "hw:numa_nodes": "2" } }],
    ["huge pages", { extraSpecs: { "hw:mem_page_size": "1GB" } }],
    ["a CPU trait", { extraSpecs: { "trait:HW_CPU_X86_AVX2": "required" } }],
    ["memory encryption switched off", { extraSpecs: { "hw:mem_encryption": "False" } }],
    [
      "a virtual TPM whose secret Nova has",
      { extraSpecs: { "hw:tpm_version": "2.0", "hw:tpm_secret_security": "deployment" } },
    ],
    ["no ports", { vnicTypes: [] }],
  ])("is not one with %s", (_, shape) => {
    expect(of(shape)).toEqual({ kind: "live" });
  });

  test("cannot be stopped while it is paused", () => {
    expect(of({ status: "PAUSED", ...DEVICE }, { device_bound: "stop_start" })).toEqual(
      inTheWay("device_bound", "unpauses"),
    );
  });

  test("is not stopped behind its owner's lock", () => {
    const guest = { ...DEVICE, ...LOCKED };

    expect(of(guest, { device_bound: "stop_start" })).toEqual(inTheWay("locked", "payroll"));
    expect(of(guest, { device_bound: "stop_start", locked: "move" }).kind).toBe("stop_start");
  });

  test("stays with its group when it is stopped and started", () => {
    expect(of({ ...DEVICE, ...GROUPED }, { device_bound: "stop_start" }).kind).toBe("stop_start");
  });
});

test("where several things hold an instance, the first speaks: status, lock, device, group", () => {
  const all = { ...LOCKED, ...DEVICE, ...GROUPED };
  const ruleOf = (guest: Partial<Guest>, but: Partial<Policies> = {}) => {
    const movability = of(guest, but);
    return movability.kind === "blocked" ? movability.rule : movability.kind;
  };

  expect(ruleOf({ ...all, taskState: "migrating" })).toBe("wait");
  expect(ruleOf({ ...all, status: "SUSPENDED" })).toBe("status_suspended");
  expect(ruleOf(all)).toBe("locked");
  expect(ruleOf(all, { locked: "move" })).toBe("device_bound");
  expect(ruleOf({ ...all, vnicTypes: [] }, { locked: "move" })).toBe("hard_affinity");
  expect(ruleOf({ ...all, status: "SHUTOFF" })).toBe("locked");
  expect(ruleOf({ ...all, status: "SHUTOFF" }, { locked: "move" })).toBe("device_bound");
  expect(ruleOf({ ...all, status: "ERROR" }, { error: "stay" })).toBe("stay");
});

const anyGuest = fc
  .record({
    status: fc.oneof(fc.constantFrom(...STATUSES), fc.string()),
    taskState: fc.option(fc.constantFrom("spawning", "deleting", "migrating", "powering-on")),
    powerState: fc.option(fc.constantFrom(0, 1, 3, 4, 6, 7)),
    locked: fc.boolean(),
    vnicTypes: fc.subarray(["normal", "direct", "vdpa"]),
    groups: fc.subarray(["affinity", "anti-affinity", "soft-affinity"]),
  })
  .map(aGuest);

const anyPolicies: fc.Arbitrary<Policies> = fc.record({
  shutoff: fc.constantFrom("migrate", "stay", "block"),
  error: fc.constantFrom("stay", "block"),
  shelved: fc.constantFrom("offload", "block"),
  locked: fc.constantFrom("move", "block"),
  device_bound: fc.constantFrom("stop_start", "block"),
});

describe("whatever the instance and whatever the policies", () => {
  const holds = (claim: (kind: Movability["kind"], guest: Guest, said: Policies) => boolean) =>
    fc.assert(
      fc.property(anyGuest, anyPolicies, (guest, said) =>
        claim(movabilityOf(guest, said).kind, guest, said),
      ),
      { numRuns: 2_000 },
    );
  const isLive = ({ status }: Guest) => status === "ACTIVE" || status === "PAUSED";

  test("what runs is moved live, stopped by a policy, waited for or in the way, and nothing else", () => {
    holds((kind, guest, said) =>
      !isLive(guest)
        ? kind !== "live" && kind !== "stop_start"
        : ["live", "wait", "blocked"].includes(kind) ||
          (kind === "stop_start" && said.device_bound === "stop_start"),
    );
  });

  test("only what rests is left where it is", () => {
    holds((kind, guest) => kind !== "stay" || isAtRest(guest));
  });

  test("nothing is touched while Nova is busy with it", () => {
    holds(
      (kind, guest) =>
        guest.taskState === null || !["live", "cold", "offload", "stop_start"].includes(kind),
    );
  });

  test("nothing is touched behind its owner's lock, unless the session says so", () => {
    holds(
      (kind, { locked }, said) =>
        !locked || said.locked === "move" || ["stay", "wait", "blocked"].includes(kind),
    );
  });

  test("no member of a hard affinity group is moved", () => {
    holds((kind, { groups }) => !groups.includes("affinity") || !["live", "cold"].includes(kind));
  });

  test("whoever is in the way is told what to do", () => {
    fc.assert(
      fc.property(anyGuest, anyPolicies, (guest, said) => {
        const movability = movabilityOf(guest, said);
        return movability.kind !== "blocked" || movability.what_to_do.length > 10;
      }),
    );
  });
});
