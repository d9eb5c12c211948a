import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Guest, movabilityOf } from "../../lib/domain/instances.ts";

const guest = (but: Partial<Guest> = {}): Guest => ({
  id: "instance-1",
  name: "web-1",
  projectId: "project-1",
  status: "ACTIVE",
  taskState: null,
  locked: false,
  extraSpecs: {},
  ...but,
});

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
  expect(movabilityOf(guest({ status }))).toEqual({ kind: "live" });
});

test.each([
  ["SHUTOFF", "start it"],
  ["SUSPENDED", "owner resumes"],
  ["RESCUE", "owner unrescues"],
  ["SHELVED", "offload"],
  ["SOFT_DELETED", "reclaimed"],
  ["VERIFY_RESIZE", "confirms or reverts"],
  ["ERROR", "repair"],
  ["UNKNOWN", "cell"],
])("an instance that is %s stays until somebody acts: %s", (status, what_to_do) => {
  expect(movabilityOf(guest({ status }))).toEqual({
    kind: "blocked",
    rule: `status_${status.toLowerCase()}`,
    what_to_do: expect.stringContaining(what_to_do),
  });
});

test.each(["BUILD", "REBOOT", "HARD_REBOOT", "MIGRATING", "PASSWORD", "REBUILD", "RESIZE"])(
  "an instance that is %s is looked at again",
  (status) => {
    expect(movabilityOf(guest({ status })).kind).toBe("wait");
  },
);

test("an instance that Nova is busy with is looked at again, and the task is named", () => {
  expect(movabilityOf(guest({ taskState: "image_snapshot" }))).toEqual({
    kind: "wait",
    why: expect.stringContaining("image_snapshot"),
  });
});

test.each([
  ["SHUTOFF", "powering-on"],
  ["SUSPENDED", "resuming"],
  ["RESCUE", "unrescuing"],
  ["VERIFY_RESIZE", "resize_reverting"],
  ["SHELVED", "shelving_offloading"],
])(
  "an instance that is %s and %s is looked at again: that state ends by itself",
  (status, task) => {
    expect(movabilityOf(guest({ status, taskState: task })).kind).toBe("wait");
  },
);

test.each(["ERROR", "UNKNOWN"])(
  "an instance in %s is not waited for: its task may be left over for ever",
  (status) => {
    expect(movabilityOf(guest({ status, taskState: "deleting" })).kind).toBe("blocked");
  },
);

test.each(["constructor", "toString"])("a status nobody knows, like %s, is blocked", (status) => {
  expect(movabilityOf(guest({ status }))).toMatchObject({
    kind: "blocked",
    what_to_do: "bring it to ACTIVE",
  });
});

test("a locked instance is its owner's to unlock", () => {
  expect(movabilityOf(guest({ locked: true }))).toMatchObject({ kind: "blocked", rule: "locked" });
});

describe("an instance bound to a device of its host stays", () => {
  test.each([
    ["pci_passthrough:alias", "a PCI device"],
    ["resources:VGPU", "a virtual GPU"],
    ["resources:VGPU_TYPE_1", "a virtual GPU"],
    ["hw:mem_encryption", "encrypted memory"],
    ["hw:pmem", "persistent memory"],
    ["accel:device_profile", "an accelerator"],
  ])("%s", (key, device) => {
    expect(movabilityOf(guest({ extraSpecs: { [key]: "1" } }))).toEqual({
      kind: "blocked",
      rule: "device_bound",
      what_to_do: expect.stringContaining(device),
    });
  });

  test("but not for extra specs that only shape it", () => {
    const extraSpecs = { "hw:cpu_policy": "dedicated", "trait:HW_CPU_X86_AVX2": "required" };

    expect(movabilityOf(guest({ extraSpecs }))).toEqual({ kind: "live" });
  });
});

test("only a resting, unlocked instance in a status Nova migrates is ever moved", () => {
  const guests = fc
    .record({
      status: fc.oneof(fc.constantFrom(...STATUSES), fc.string()),
      taskState: fc.option(fc.constantFrom("spawning", "deleting", "migrating")),
      locked: fc.boolean(),
    })
    .map(guest);

  fc.assert(
    fc.property(guests, (one) => {
      const { kind } = movabilityOf(one);
      const resting = one.taskState === null && !one.locked;
      const migratable = one.status === "ACTIVE" || one.status === "PAUSED";

      expect(kind === "live").toBe(resting && migratable);
    }),
    { numRuns: 300 },
  );
});

test("whoever is blocked is told what to do", () => {
  for (const status of STATUSES) {
    const movability = movabilityOf(guest({ status }));

    if (movability.kind === "blocked") expect(movability.what_to_do).not.toBe("");
  }
});
