import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Intent, isUnfinished, type SeenMigration, verdictOn } from "../../lib/domain/move.ts";
import { NOW } from "./builders.ts";

const intent = (but: Partial<Intent> = {}): Intent => ({
  schema: 1,
  run_id: "run-1",
  effect: "live_migrate#instance-1#001",
  generation: 1,
  request_id: "req-1",
  at: NOW,
  instance_id: "instance-1",
  target: "cmp-02",
  target_device_id: "device-2",
  groups: [],
  newest_migration: 5,
  outcome: null,
  finished_at: null,
  details: null,
  ...but,
});

const migration = (id: number, status: string, instance_id = "instance-1"): SeenMigration => ({
  id,
  instance_id,
  status,
  source: "cmp-01",
  target: "cmp-02",
});

/** Every status that Nova's migration rows carry (nova/objects/migration.py and its callers). */
const ENDS_WELL = ["completed", "confirmed", "done"];
const ENDS_BADLY = ["error", "failed"];
const ENDED_BY_SOMEBODY = ["cancelled", "reverted"];
const UNDER_WAY = [
  "accepted",
  "queued",
  "preparing",
  "pre-migrating",
  "running",
  "post-migrating",
  "migrating",
  "finished",
  "confirming",
  "reverting",
];

describe("what became of a move", () => {
  test("is not seen before Nova shows a newer migration", () => {
    expect(verdictOn(intent(), [])).toBe("unseen");
    expect(verdictOn(intent(), [migration(5, "completed")])).toBe("unseen");
  });

  test("is not told by other instances' migrations", () => {
    expect(verdictOn(intent(), [migration(6, "completed", "instance-2")])).toBe("unseen");
  });

  test.each(ENDS_WELL)("is done when its row is %s", (status) => {
    expect(verdictOn(intent(), [migration(6, status)])).toBe("done");
  });

  test.each(ENDED_BY_SOMEBODY)("is cancelled when its row is %s", (status) => {
    expect(verdictOn(intent(), [migration(6, status)])).toBe("cancelled");
  });

  test.each(ENDS_BADLY)("is failed when its row is %s", (status) => {
    expect(verdictOn(intent(), [migration(6, status)])).toBe("failed");
  });

  test.each([...UNDER_WAY, "a status of a later Nova"])(
    "is still open when its row is %s",
    (status) => {
      const verdict = status === "finished" ? "arrived" : "moving";
      expect(verdictOn(intent(), [migration(6, status)])).toBe(verdict);
      expect(isUnfinished(migration(6, status))).toBe(true);
    },
  );

  test("is told by the newest row when an instance was moved once more", () => {
    const rows = [migration(6, "completed"), migration(8, "running"), migration(7, "error")];

    expect(verdictOn(intent(), rows)).toBe("moving");
  });
});

describe("over any history of migrations, the verdict", () => {
  const rows = fc.uniqueArray(
    fc
      .tuple(
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(...ENDS_WELL, ...ENDS_BADLY, ...UNDER_WAY),
        fc.constantFrom("instance-1", "instance-2"),
      )
      .map(([id, status, instance]) => migration(id, status, instance)),
    { selector: ({ id }) => id },
  );
  const begun = fc.nat(12).map((newest_migration) => intent({ newest_migration }));

  test("does not depend on the order of the rows", () => {
    fc.assert(
      fc.property(begun, rows, (one, history) => {
        expect(verdictOn(one, history.toReversed())).toBe(verdictOn(one, history));
      }),
    );
  });

  test("does not depend on what happened before the call, or to others", () => {
    fc.assert(
      fc.property(begun, rows, (one, history) => {
        const own = history.filter(
          ({ id, instance_id }) => id > one.newest_migration && instance_id === one.instance_id,
        );

        expect(verdictOn(one, own)).toBe(verdictOn(one, history));
        expect(verdictOn(one, history) === "unseen").toBe(own.length === 0);
      }),
    );
  });

  test("is final: rows that do not change do not change it", () => {
    fc.assert(
      fc.property(begun, rows, fc.integer({ min: 1, max: 12 }), (one, history, older) => {
        const verdict = verdictOn(one, history);
        const later = [...history, migration(older, "running", "instance-2")];

        expect(verdictOn(one, later)).toBe(verdict);
      }),
    );
  });

  test("never says done of a migration that Nova has not ended well", () => {
    fc.assert(
      fc.property(begun, rows, (one, history) => {
        if (verdictOn(one, history) !== "done") return;
        const ours = history.filter(({ instance_id }) => instance_id === one.instance_id);
        const newest = ours.toSorted((a, b) => b.id - a.id)[0];

        expect(ENDS_WELL).toContain(newest?.status);
      }),
    );
  });
});
