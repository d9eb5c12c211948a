import fc from "fast-check";
import { expect, test } from "vitest";
import { type Evidence, whyNotEmpty } from "../../lib/domain/empty.ts";
import type { SeenMigration } from "../../lib/domain/move.ts";

const empty: Evidence = {
  servers: [],
  partial: false,
  consumers: [],
  migrations: [],
  serviceStatus: "disabled",
  providers: 1,
};

const migration = (status: string): SeenMigration => ({
  id: 7,
  instance_id: "instance-1",
  status,
  source: "cmp-01",
  target: "cmp-02",
});

test("a disabled host that nothing speaks against is empty", () => {
  expect(whyNotEmpty(empty)).toBeNull();
});

test("migrations that have ended speak against nothing", () => {
  const migrations = ["completed", "confirmed", "done", "error", "cancelled"].map(migration);

  expect(whyNotEmpty({ ...empty, migrations })).toBeNull();
});

test.each<[string, Partial<Evidence>, string]>([
  ["it may still be scheduled to", { serviceStatus: "enabled" }, "enabled"],
  ["a cell does not answer", { partial: true }, "cell"],
  ["a server is listed", { servers: [{ id: "instance-1", name: "web-1" }] }, "web-1 (instance-1)"],
  ["a migration runs", { migrations: [migration("running")] }, "migration 7"],
  ["a resize waits for its owner", { migrations: [migration("finished")] }, "finished"],
  ["a migration is in a state nobody knows", { migrations: [migration("odd")] }, "odd"],
  ["Placement holds an allocation", { consumers: ["consumer-1"] }, "allocation delete consumer-1"],
])("a host is not empty while %s, and the reason names it", (_, but, reason) => {
  expect(whyNotEmpty({ ...empty, ...but })).toContain(reason);
});

test("any doubt, alone or among others, means not empty", () => {
  const doubts: Partial<Evidence>[] = [
    { serviceStatus: "enabled" },
    { partial: true },
    { servers: [{ id: "instance-1", name: "web-1" }] },
    { consumers: ["consumer-1"] },
    { migrations: [migration("accepted")] },
  ];

  fc.assert(
    fc.property(fc.subarray(doubts), (some) => {
      const evidence: Evidence = Object.assign({}, empty, ...some);

      expect(whyNotEmpty(evidence) === null).toBe(some.length === 0);
    }),
  );
});
