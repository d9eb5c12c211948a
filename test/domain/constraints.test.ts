import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  constraintsOf,
  groupConstraintsSchema,
  instanceConstraintsSchema,
  readGroup,
  readInstance,
  statedInterruption,
} from "../../lib/domain/constraints.ts";
import { InvalidError } from "../../lib/domain/errors.ts";
import { NOW } from "./builders.ts";

const ID = "6c0f6a33-9a4c-4c52-8d3e-0c6a6f6f1a01";
const GROUP = "11111111-1111-1111-1111-111111111111";
const caps = { lead_time: 600, max_interruption_time: 300, recovery_time: 900 };
const as = (id: string, project_id = "alpha") => ({ id, project_id, now: NOW, caps });

const instance = (body: Record<string, unknown> = {}) => readInstance(body, as(ID));
const group = (body: Record<string, unknown> = {}) => readGroup(body, as(GROUP));

/** What was wrong, as `path code`. */
const refusal = (read: () => unknown): string[] => {
  try {
    read();
  } catch (error) {
    if (error instanceof InvalidError)
      return error.findings.map(({ path, code }) => `${path} ${code}`);
    throw error;
  }
  return [];
};

describe("what an owner leaves out", () => {
  test("has the defaults, and a migration type that was not said is none", () => {
    expect(instance().constraints).toEqual({
      schema: 1,
      instance_id: ID,
      project_id: "alpha",
      stated_project_id: null,
      instance_name: null,
      group_id: null,
      max_interruption_time: 120,
      interruption_stated: false,
      migration_type: null,
      resource_mitigation: true,
      lead_time: 120,
      updated_at: NOW,
    });
    expect(group({ recovery_time: null }).constraints).toEqual({
      schema: 1,
      group_id: GROUP,
      project_id: "alpha",
      stated_project_id: null,
      group_name: null,
      anti_affinity_group: false,
      max_instances_per_host: 0,
      max_impacted_members: 1,
      recovery_time: 60,
      resource_mitigation: true,
      updated_at: NOW,
    });
  });

  test("is still not more than the operator allows", () => {
    const writing = { ...as(ID), caps: { ...caps, lead_time: 30, recovery_time: 10 } };

    expect(readInstance({}, writing).constraints.lead_time).toBe(30);
    expect(readGroup({}, writing).constraints.recovery_time).toBe(10);
  });
});

describe("values with the commas of Tacker's documented configuration", () => {
  test("are read, and the answer tells how", () => {
    const { constraints, warnings } = instance({
      lead_time: "120,",
      max_interruption_time: " 60 , ",
      resource_mitigation: "False,",
      migration_type: "live_migrate,",
      group_id: `${GROUP},`,
    });

    expect(constraints).toMatchObject({
      lead_time: 120,
      max_interruption_time: 60,
      resource_mitigation: false,
      migration_type: "LIVE_MIGRATE",
      group_id: GROUP,
    });
    expect(warnings).toContainEqual({
      path: "lead_time",
      code: "read_as",
      message: '"120," is read as 120',
    });
    expect(warnings).toHaveLength(4);
  });
});

test("a MIGRATION, as Doctor's app manager called it at first, is a cold migration", () => {
  const { constraints, warnings } = instance({ migration_type: "MIGRATION" });

  expect(constraints.migration_type).toBe("MIGRATE");
  expect(warnings.map(({ path, code }) => `${path} ${code}`)).toEqual(["migration_type read_as"]);
});

test("a number above the operator's cap is lowered to it, and the answer says so", () => {
  const { constraints, warnings } = instance({ lead_time: 86_400, max_interruption_time: 300 });

  expect(constraints).toMatchObject({ lead_time: 600, max_interruption_time: 300 });
  expect(warnings.map(({ path, code }) => `${path} ${code}`)).toEqual(["lead_time lowered"]);
});

test("the owner is whose token it is, and the body's word for it a note", () => {
  expect(group({ project_id: "beta" }).constraints).toMatchObject({
    project_id: "alpha",
    stated_project_id: "beta",
  });
});

describe("what has no clear meaning is refused by its name", () => {
  test.each([
    [{ max_impacted_members: 0 }, "max_impacted_members invalid_number"],
    [{ max_impacted_members: "0," }, "max_impacted_members invalid_number"],
    [{ recovery_time: -1 }, "recovery_time invalid_number"],
    [{ recovery_time: 1.5 }, "recovery_time invalid_number"],
    [{ recovery_time: "soon" }, "recovery_time invalid_number"],
    [{ recovery_time: "," }, "recovery_time invalid_number"],
    [{ recovery_time: "60,," }, "recovery_time invalid_number"],
    [{ recovery_time: [60] }, "recovery_time invalid_number"],
    [{ recovery_time: true }, "recovery_time invalid_number"],
    [{ anti_affinity_group: "perhaps" }, "anti_affinity_group invalid_flag"],
    [{ anti_affinity_group: 1 }, "anti_affinity_group invalid_flag"],
    [{ anti_affinity_group: { toString: 0 } }, "anti_affinity_group invalid_flag"],
    [{ anti_affinity_group: ["true"] }, "anti_affinity_group invalid_flag"],
    [{ group_id: ID }, "group_id other_id"],
    [{ group_id: "mine" }, "group_id invalid_id"],
  ])("%j of a group", (body, finding) => {
    expect(refusal(() => group(body))).toEqual([finding]);
  });

  test.each([
    [{ migration_type: "EVACUATE" }, "migration_type invalid_value"],
    [{ migration_type: ["MIGRATE"] }, "migration_type invalid_value"],
    [{ lead_time: {} }, "lead_time invalid_number"],
    [{ instance_id: GROUP }, "instance_id other_id"],
    [{ group_id: 7 }, "group_id invalid_id"],
  ])("%j of an instance", (body, finding) => {
    expect(refusal(() => instance(body))).toEqual([finding]);
  });

  test("all at once", () => {
    expect(refusal(() => instance({ lead_time: "x", resource_mitigation: "y" }))).toEqual([
      "resource_mitigation invalid_flag",
      "lead_time invalid_number",
    ]);
  });
});

test("whatever is sent, what is kept is whole, within its bounds, and can be read again", () => {
  const value = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.maxSafeNat(),
    fc.maxSafeNat().map(String),
    fc.nat().map((number) => `${number},`),
    fc.constantFrom("9".repeat(400), "", ",", " ", "NaN", "Infinity", "1e9", "0x10", "-0", null),
    fc.boolean(),
    fc.constantFrom("True,", "FALSE", "MIGRATE", "own_action,"),
    fc.anything(),
  );
  const body = fc.record(
    {
      lead_time: value,
      max_interruption_time: value,
      recovery_time: value,
      max_impacted_members: value,
      max_instances_per_host: value,
      migration_type: value,
      resource_mitigation: value,
      anti_affinity_group: value,
      instance_name: value,
      group_name: value,
      project_id: value,
      toString: value,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(body, (sent) => {
      for (const read of [instance, group]) {
        const kept = unlessRefused(() => read(sent).constraints);
        if (kept === null) continue;
        const schema = "instance_id" in kept ? instanceConstraintsSchema : groupConstraintsSchema;
        expect(schema.parse(kept)).toEqual(kept);
        expect(outOfBounds(kept)).toEqual([]);
      }
    }),
    { numRuns: 2_000 },
  );
});

const MOST: Readonly<Record<string, number>> = {
  ...caps,
  schema: 1,
  max_impacted_members: 10_000,
  max_instances_per_host: 10_000,
};

/** Names of numbers that are none, not whole, negative, or above their cap. */
const outOfBounds = (row: object): string[] =>
  Object.entries(row).flatMap(([name, value]) => {
    if (typeof value !== "number") return [];
    const fits = Number.isSafeInteger(value) && value >= 0 && value <= (MOST[name] ?? -1);
    return fits ? [] : [name];
  });

/** Null when it was refused: nothing else may be thrown. */
const unlessRefused = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidError) return null;
    throw error;
  }
};

describe("how long a live migration may interrupt an instance", () => {
  const said = (body: Record<string, unknown>, project = "alpha") =>
    statedInterruption(instance(body).constraints, project);

  test("is what its owner has said itself, within the operator's cap", () => {
    expect(said({ max_interruption_time: 30 })).toBe(30);
    expect(said({ max_interruption_time: "120," })).toBe(120);
    expect(said({ max_interruption_time: 0 })).toBe(0);
    expect(said({ max_interruption_time: 86_400 })).toBe(300);
  });

  test("is not said by a body that gives the default back as one that was not stated", () => {
    const { constraints } = instance({ lead_time: 40 });
    expect(instance({ ...constraints }).constraints).toMatchObject({
      max_interruption_time: 120,
      interruption_stated: false,
    });
    expect(said({ max_interruption_time: 120, interruption_stated: "False," })).toBeNull();
    expect(said({ interruption_stated: true })).toBeNull();
    expect(said({ max_interruption_time: 30, interruption_stated: true })).toBe(30);
    expect(
      refusal(() => instance({ max_interruption_time: 30, interruption_stated: "perhaps" })),
    ).toEqual(["interruption_stated invalid_flag"]);
  });

  test("is nothing that the defaults say, or another project, or a row of before it was noted", () => {
    expect(said({ lead_time: 40 })).toBeNull();
    expect(said({ max_interruption_time: null })).toBeNull();
    expect(said({ max_interruption_time: 30 }, "beta")).toBeNull();
    expect(statedInterruption(undefined, "alpha")).toBeNull();
    const { interruption_stated: _, ...old } = instance({ max_interruption_time: 30 }).constraints;
    expect(statedInterruption(instanceConstraintsSchema.parse(old), "alpha")).toBeNull();
  });
});

describe("what holds for an instance", () => {
  const said = { group_id: GROUP, lead_time: 40, migration_type: "MIGRATE" };
  const member = instance(said).constraints;

  test("is what its owner said, with the group that it names", () => {
    const ours = group({ max_impacted_members: 2, recovery_time: 4 });

    expect(constraintsOf(member, ours.constraints)).toEqual({
      lead_time: 40,
      max_interruption_time: 120,
      migration_type: "MIGRATE",
      group: { id: GROUP, max_impacted_members: 2, recovery_seconds: 4 },
    });
  });

  test("is no time to wait and no group where its owner never said anything", () => {
    expect(constraintsOf(null, group().constraints)).toEqual({
      lead_time: 0,
      max_interruption_time: 120,
      migration_type: null,
      group: null,
    });
  });

  test.each([
    ["is gone", null],
    ["is another one", readGroup({}, as(ID)).constraints],
    ["is another project's", readGroup({}, as(GROUP, "beta")).constraints],
  ])("has no group when that %s", (_, other) => {
    expect(constraintsOf(member, other).group).toBeNull();
  });

  test("has no group when it names none", () => {
    expect(constraintsOf(instance().constraints, group().constraints).group).toBeNull();
  });
});
