import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rankTargets, type Target, type Wish } from "../../../lib/domain/plan/targets.ts";

const typical = {
  zone: "nova",
  cell: null,
  hypervisorVersion: 8_002_000,
  freeShare: 0.5,
  enabledAndUp: true,
  ownedBy: null,
  maintained: false,
  onTrial: false,
};
const target = (host: string, but: Partial<Target> = {}): Target => ({ host, ...typical, ...but });

const wish = (but: Partial<Wish> = {}): Wish => ({
  sessionId: "mine",
  source: { host: "cmp-01", zone: "nova", cell: null, hypervisorVersion: 8_002_000 },
  allowed: [],
  refused: [],
  planned: null,
  apart: [],
  ...but,
});

const namesOf = (targets: readonly Target[]) => targets.map(({ host }) => host);

describe("the order of targets", () => {
  test("prefers hosts that need no further move over those still to be emptied", () => {
    const waiting = target("cmp-02", { ownedBy: "mine", freeShare: 0.9 });
    const maintained = target("cmp-03", { ownedBy: "mine", maintained: true, freeShare: 0.1 });

    expect(namesOf(rankTargets(wish(), [waiting, maintained]))).toEqual(["cmp-03", "cmp-02"]);
  });

  test("prefers the one that the plan has for the instance, but for a host on trial", () => {
    const maintained = target("cmp-03", { ownedBy: "mine", maintained: true, freeShare: 0.9 });
    const planned = target("cmp-02", { ownedBy: "mine", freeShare: 0.1 });
    const onTrial = target("cmp-04", { ...maintained, host: "cmp-04", onTrial: true });
    const names = namesOf(rankTargets(wish({ planned: "cmp-02" }), [maintained, planned, onTrial]));

    expect(names).toEqual(["cmp-04", "cmp-02", "cmp-03"]);
  });

  test("does not go to the planned one where the instance may not be", () => {
    const wished = wish({ planned: "cmp-02", apart: ["cmp-02"] });

    expect(namesOf(rankTargets(wished, [target("cmp-02"), target("cmp-03")]))).toEqual(["cmp-03"]);
  });

  test("prefers a host on trial to any other, so that the session gets on", () => {
    const free = target("cmp-02", { freeShare: 0.9 });
    const maintained = target("cmp-03", { ownedBy: "mine", maintained: true, freeShare: 0.5 });
    const onTrial = target("cmp-04", {
      ...maintained,
      host: "cmp-04",
      onTrial: true,
      freeShare: 0,
    });

    expect(namesOf(rankTargets(wish(), [free, maintained, onTrial]))[0]).toBe("cmp-04");
  });

  test("then prefers the most free memory", () => {
    const full = target("cmp-02", { freeShare: 0.1 });
    const free = target("cmp-03", { freeShare: 0.8 });

    expect(namesOf(rankTargets(wish(), [full, free]))).toEqual(["cmp-03", "cmp-02"]);
  });

  test("takes a newer hypervisor, never an older one", () => {
    const newer = target("cmp-02", { hypervisorVersion: 9_000_000 });
    const older = target("cmp-03", { hypervisorVersion: 8_001_999 });

    expect(namesOf(rankTargets(wish(), [newer, older]))).toEqual(["cmp-02"]);
  });

  test("is empty when no host may take the instance", () => {
    expect(rankTargets(wish(), [target("cmp-01"), target("cmp-02", { zone: "other" })])).toEqual(
      [],
    );
  });
});

const names = fc.integer({ min: 1, max: 9 }).map((n) => `cmp-0${n}`);
const fleets = fc.uniqueArray(
  fc.record({
    host: names,
    zone: fc.constantFrom("nova", "nova", "edge"),
    cell: fc.constantFrom(null, "cell1", "cell2"),
    hypervisorVersion: fc.constantFrom(8_001_000, 8_002_000, 9_000_000),
    freeShare: fc.constantFrom(0, 0.25, 0.5),
    enabledAndUp: fc.constantFrom(true, true, false),
    ownedBy: fc.constantFrom(null, null, "mine", "other"),
    maintained: fc.boolean(),
    onTrial: fc.boolean(),
  }),
  { selector: ({ host }) => host },
);
const wishes = fc
  .record({
    allowed: fc.oneof(fc.constant([]), fc.array(names)),
    refused: fc.array(names, { maxLength: 3 }),
    apart: fc.array(names, { maxLength: 3 }),
  })
  .map(wish);

/** Each hard rule, by the words of whoever broke it. */
const rules: Record<string, (target: Target, wish: Wish) => boolean> = {
  "the host it has to leave": ({ host }, { source }) => host !== source.host,
  "a host that is disabled or down": ({ enabledAndUp }) => enabledAndUp,
  "a host of another session": ({ ownedBy }, { sessionId }) =>
    ownedBy === null || ownedBy === sessionId,
  "a host of another zone": ({ zone }, { source }) => zone === source.zone,
  "a host of another cell": ({ cell }, { source }) =>
    cell === null || source.cell === null || cell === source.cell,
  "an older hypervisor": ({ hypervisorVersion }, { source }) =>
    hypervisorVersion >= source.hypervisorVersion,
  "a host that the session does not allow": ({ host }, { allowed }) =>
    allowed.length === 0 || allowed.includes(host),
  "a host that refused it": ({ host }, { refused }) => !refused.includes(host),
  "a host of its anti-affinity group": ({ host }, { apart }) => !apart.includes(host),
};

describe("an instance is never sent to", () => {
  test.each(Object.entries(rules))("%s", (_, keepsTo) => {
    fc.assert(
      fc.property(wishes, fleets, (wanted, fleet) => {
        expect(rankTargets(wanted, fleet).filter((host) => !keepsTo(host, wanted))).toEqual([]);
      }),
    );
  });
});

test("every host that breaks no rule is offered", () => {
  fc.assert(
    fc.property(wishes, fleets, (wanted, fleet) => {
      const fine = fleet.filter((host) =>
        Object.values(rules).every((keepsTo) => keepsTo(host, wanted)),
      );

      expect(namesOf(rankTargets(wanted, fleet)).toSorted()).toEqual(namesOf(fine).toSorted());
    }),
  );
});

test("the order does not depend on the order in which hosts are listed", () => {
  const shuffled = fleets.chain((fleet) =>
    fc.tuple(
      fc.constant(fleet),
      fc.shuffledSubarray(fleet, { minLength: fleet.length, maxLength: fleet.length }),
    ),
  );

  fc.assert(
    fc.property(wishes, shuffled, (wanted, [fleet, again]) => {
      expect(rankTargets(wanted, again)).toEqual(rankTargets(wanted, fleet));
    }),
  );
});
