import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HostRun, isActive, PHASES } from "../../../lib/domain/host-run.ts";
import { type Order, orderBy } from "../../../lib/domain/plan/agenda.ts";
import { awaitsTurn } from "../../../lib/domain/plan/canary.ts";
import { type Brakes, selectHosts } from "../../../lib/domain/plan/dispatch.ts";
import { takesPlace } from "../../../lib/domain/plan/places.ts";
import { aClaimedSession, aHost, at, NOW } from "../builders.ts";

const FOR_ONE = { others: 1, until: NOW };
const BY_NAME = orderBy(null, [], NOW);
const NO_BRAKES: Brakes = { onTrial: new Set(), guard: null, order: BY_NAME };

/** A host that its zone has too little room to start. */
const short = (zone: string, host: string) => ({
  zone,
  host,
  lacks: { VCPU: 4, MEMORY_MB: 0 },
});

const namesOf = (runs: readonly HostRun[]) => runs.map(({ host }) => host);

const inRack = (host: string, rack: string, but: Partial<HostRun> = {}) =>
  aHost(host, { place: { ...at("nova"), labels: { rack } }, ...but });

describe("the hosts to start", () => {
  test("are as many as may be at work, by name", () => {
    const hosts = [aHost("cmp-03"), aHost("cmp-01"), aHost("cmp-02")];

    const { start } = selectHosts(aClaimedSession({ max_parallel_hosts: 2 }), hosts, NO_BRAKES);

    expect(namesOf(start)).toEqual(["cmp-01", "cmp-02"]);
  });

  test("are taken in the order of the plan, and wait for those that it has done before them", () => {
    const hosts = [aHost("cmp-01"), aHost("cmp-02"), aHost("cmp-03")];
    const session = aClaimedSession({ max_parallel_hosts: 3 });
    const order: Order = {
      compare: (a, b) => (a.host < b.host ? 1 : -1),
      wait: ({ host }) => (host === "cmp-02" ? FOR_ONE : null),
    };
    const selection = selectHosts(session, hosts, { ...NO_BRAKES, order });

    expect(namesOf(selection.start)).toEqual(["cmp-03", "cmp-01"]);
    expect(selection.early).toEqual({ host: "cmp-02", until: NOW });
  });

  test("do not wait by the plan when nothing else is at work or may be begun", () => {
    const order: Order = { ...BY_NAME, wait: () => FOR_ONE };
    const hosts = [aHost("cmp-01"), aHost("cmp-02")];

    expect(namesOf(selectHosts(aClaimedSession(), hosts, { ...NO_BRAKES, order }).start)).toEqual([
      "cmp-01",
    ]);
  });

  test("are told to lack room rather than to wait by the plan, which knows it", () => {
    const order: Order = { ...BY_NAME, wait: () => FOR_ONE };
    const shortage = short("nova", "cmp-02");
    const guard = { start: () => shortage, cordon: () => shortage };
    const atWork = aHost("cmp-01", { phase: "MOVING" });
    const session = aClaimedSession({ max_parallel_hosts: 2 });
    const selection = selectHosts(session, [atWork, aHost("cmp-02")], {
      ...NO_BRAKES,
      order,
      guard,
    });

    expect(selection).toMatchObject({ start: [], shortages: [shortage], early: null });
  });

  test("are told to wait by the plan, and not to lack room, when one is disabled early for its turn", () => {
    let left = 1;
    const book = ({ host, place: { zone } }: HostRun) => {
      left -= 1;
      return left < 0 ? short(zone, host) : null;
    };
    const order: Order = { ...BY_NAME, wait: () => FOR_ONE };
    const atWork = aHost("cmp-01", { phase: "MOVING" });
    const session = aClaimedSession({ max_parallel_hosts: 2, cordon_ahead: 1 });
    const guard = { start: book, cordon: book };
    const hosts = [atWork, aHost("cmp-02")];
    const selection = selectHosts(session, hosts, { ...NO_BRAKES, order, guard });

    expect(namesOf(selection.cordon)).toEqual(["cmp-02"]);
    expect(selection).toMatchObject({ shortages: [], early: { host: "cmp-02" } });
  });

  test("do not wait for one that failed: a human may come late", () => {
    const failed = aHost("cmp-01", { phase: "FINISHED", outcome: "failed" });
    const waiting = aHost("cmp-02");

    expect(selectHosts(aClaimedSession(), [failed, waiting], NO_BRAKES).start).toEqual([waiting]);
  });

  test("are no more of a rack than may be; hosts without a rack are not limited by it", () => {
    const session = aClaimedSession({ max_parallel_hosts: 9, max_parallel_per: { rack: 1 } });
    const hosts = [
      inRack("cmp-01", "r1", { phase: "MOVING" }),
      inRack("cmp-02", "r1"),
      inRack("cmp-03", "r2"),
      inRack("cmp-04", "r2"),
      aHost("cmp-05"),
      aHost("cmp-06"),
    ];

    expect(namesOf(selectHosts(session, hosts, NO_BRAKES).start)).toEqual([
      "cmp-03",
      "cmp-05",
      "cmp-06",
    ]);
  });

  test("may be limited by zone and by cell as by any label", () => {
    const hosts = [
      aHost("cmp-01", { place: { ...at("az1"), cell: "cell1" } }),
      aHost("cmp-02", { place: { ...at("az1"), cell: "cell2" } }),
      aHost("cmp-03", { place: { ...at("az2"), cell: "cell1" } }),
    ];
    const started = (max_parallel_per: Record<string, number>) =>
      namesOf(
        selectHosts(aClaimedSession({ max_parallel_hosts: 9, max_parallel_per }), hosts, NO_BRAKES)
          .start,
      );

    expect(started({ zone: 1 })).toEqual(["cmp-01", "cmp-03"]);
    expect(started({ cell: 1 })).toEqual(["cmp-01", "cmp-02"]);
    expect(started({ zone: 1, cell: 1 })).toEqual(["cmp-01"]);
  });

  test("are one at a time of a model on trial, and as many as may be of any other", () => {
    const of = (host: string, model: string) => aHost(host, { place: { ...at("nova"), model } });
    const hosts = [
      of("cmp-01", "old"),
      of("cmp-02", "old"),
      of("cmp-03", "new"),
      of("cmp-04", "new"),
    ];
    const session = aClaimedSession({ max_parallel_hosts: 9 });

    const { start, heldByTrial } = selectHosts(session, hosts, {
      ...NO_BRAKES,
      onTrial: new Set(["old"]),
    });

    expect(namesOf(start)).toEqual(["cmp-01", "cmp-03", "cmp-04"]);
    expect(heldByTrial).toEqual(["old"]);
  });

  test("are cordoned ones first: nothing can land on them any more", () => {
    const cordoned = aHost("cmp-05", { phase: "CORDONED", cordon: true });

    expect(selectHosts(aClaimedSession(), [aHost("cmp-01"), cordoned], NO_BRAKES).start).toEqual([
      cordoned,
    ]);
  });

  test("are none of a zone that is short of room, while other zones go on", () => {
    const session = aClaimedSession({ max_parallel_hosts: 3 });
    const hosts = [
      aHost("cmp-01", { place: at("az1") }),
      aHost("cmp-02", { place: at("az1") }),
      aHost("cmp-03", { place: at("az2") }),
    ];
    const shortage = short("az1", "cmp-01");
    const guard = {
      start: ({ host }: HostRun) => (host === "cmp-01" ? shortage : null),
      cordon: () => null,
    };

    const { start, shortages } = selectHosts(session, hosts, { ...NO_BRAKES, guard });

    expect(namesOf(start)).toEqual(["cmp-03"]);
    expect(shortages).toEqual([shortage]);
  });
});

test("a host of which nobody knows what it holds lets the others of its zone pass, and is told", () => {
  const guard = {
    start: ({ host }: HostRun) => (host === "cmp-01" ? ("unknown" as const) : null),
    cordon: () => null,
  };
  const hosts = [aHost("cmp-01"), aHost("cmp-02")];
  const { start, unknown } = selectHosts(aClaimedSession(), hosts, { ...NO_BRAKES, guard });

  expect(namesOf(start)).toEqual(["cmp-02"]);
  expect(unknown).toEqual(["cmp-01"]);
});

describe("the hosts to cordon", () => {
  const hosts = [aHost("cmp-01"), aHost("cmp-02"), aHost("cmp-03"), aHost("cmp-04")];

  test("are the next ones after those that start", () => {
    const { start, cordon } = selectHosts(aClaimedSession({ cordon_ahead: 2 }), hosts, NO_BRAKES);

    expect(namesOf(start)).toEqual(["cmp-01"]);
    expect(namesOf(cordon)).toEqual(["cmp-02", "cmp-03"]);
  });

  test("are no more than wanted in all, whether they are disabled yet or not", () => {
    const session = aClaimedSession({ cordon_ahead: 3 });
    const cordoned = [
      aHost("cmp-01", { phase: "MOVING" }),
      aHost("cmp-02", { phase: "DISABLING", cordon: true }),
      aHost("cmp-03", { phase: "CORDONED", cordon: true }),
      aHost("cmp-04"),
      aHost("cmp-05"),
    ];

    expect(namesOf(selectHosts(session, cordoned, NO_BRAKES).cordon)).toEqual(["cmp-04"]);
  });

  test("are none that cannot be emptied", () => {
    const session = aClaimedSession({ cordon_ahead: 1 });
    const { cordon } = selectHosts(session, hosts, { ...NO_BRAKES, misfits: new Set(["cmp-02"]) });

    expect(namesOf(cordon)).toEqual(["cmp-03"]);
  });

  test("are none while nothing starts or is at work: room is short enough then", () => {
    const session = aClaimedSession({ cordon_ahead: 2 });
    const shortage = short("az1", "cmp-01");
    const guard = {
      start: ({ place }: HostRun) => (place.zone === "az1" ? shortage : null),
      cordon: () => null,
    };
    const waiting = [aHost("cmp-01", { place: at("az1") }), aHost("cmp-02", { place: at("az1") })];
    const all = new Set(waiting.map(({ host }) => host));

    expect(selectHosts(session, waiting, { ...NO_BRAKES, misfits: all }).cordon).toEqual([]);
    expect(selectHosts(session, waiting, { ...NO_BRAKES, guard }).cordon).toEqual([]);
  });

  test("are only those that leave the reserve alone", () => {
    const shortage = short("nova", "cmp-03");
    const guard = {
      start: () => null,
      cordon: ({ host }: HostRun) => (host === "cmp-02" ? null : shortage),
    };
    const session = aClaimedSession({ cordon_ahead: 2 });

    expect(namesOf(selectHosts(session, hosts, { ...NO_BRAKES, guard }).cordon)).toEqual([
      "cmp-02",
    ]);
  });
});

const racks = fc.constantFrom("r1", "r2", "r3", undefined);
const runs = fc
  .uniqueArray(
    fc.record({
      number: fc.nat(40),
      phase: fc.constantFrom(...PHASES, "WAITING" as const, "WAITING" as const),
      cordon: fc.boolean(),
      rack: racks,
      model: fc.constantFrom("old", "new"),
      zone: fc.constantFrom("az1", "az2"),
    }),
    { selector: ({ number }) => number },
  )
  .map((hosts) =>
    hosts.map(({ number, phase, cordon, rack, model, zone }) =>
      aHost(`cmp-${String(number).padStart(2, "0")}`, {
        phase,
        cordon: phase === "CORDONED" || (cordon && phase === "DISABLING"),
        place: { zone, cell: null, model, labels: rack === undefined ? {} : { rack } },
      }),
    ),
  );
const sessions = fc
  .record({
    max_parallel_hosts: fc.integer({ min: 1, max: 6 }),
    cordon_ahead: fc.nat(4),
    max_parallel_per: fc.oneof(
      fc.constant({}),
      fc.record({ rack: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ rack: fc.integer({ min: 1, max: 3 }), zone: fc.integer({ min: 1, max: 3 }) }),
    ),
  })
  .map(aClaimedSession);
const brakes = fc
  .record({
    onTrial: fc.subarray(["old", "new"]).map((models) => new Set(models)),
    refused: fc.array(fc.nat(40)),
    guarded: fc.boolean(),
  })
  .map(({ onTrial, refused, guarded }): Brakes => {
    const names = new Set(refused.map((number) => `cmp-${String(number).padStart(2, "0")}`));
    const book = ({ host, place: { zone } }: HostRun) =>
      names.has(host) ? short(zone, host) : null;
    return { onTrial, guard: guarded ? { start: book, cordon: book } : null, order: BY_NAME };
  });

/** How many hosts are at work of each kind after the choice. */
const atWork = (
  list: readonly HostRun[],
  start: readonly HostRun[],
  kind: (run: HostRun) => string | undefined,
) => {
  const counts = new Map<string, number>();
  for (const run of list)
    if (takesPlace(run) || start.includes(run)) {
      const value = kind(run);
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  return counts;
};

const before = (list: readonly HostRun[], kind: (run: HostRun) => string | undefined) =>
  atWork(list, [], kind);

describe("whatever the rows say, a choice", () => {
  test("never exceeds the places of the session, of a rack or zone, or of a model on trial", () => {
    fc.assert(
      fc.property(sessions, runs, brakes, (session, list, given) => {
        const { start } = selectHosts(session, list, given);
        const per: Record<string, number | undefined> = session.max_parallel_per;
        const limits: [(run: HostRun) => string | undefined, number][] = [
          [() => "all", session.max_parallel_hosts],
          [({ place }) => place.labels["rack"], per["rack"] ?? Number.POSITIVE_INFINITY],
          [({ place }) => place.zone, per["zone"] ?? Number.POSITIVE_INFINITY],
          [({ place }) => (given.onTrial.has(place.model) ? place.model : undefined), 1],
        ];
        for (const [kind, most] of limits)
          for (const [value, count] of atWork(list, start, kind))
            expect(count).toBeLessThanOrEqual(Math.max(most, before(list, kind).get(value) ?? 0));
      }),
    );
  });

  test("is of hosts that wait, each once, and keeps to what the guard allows", () => {
    fc.assert(
      fc.property(sessions, runs, brakes, (session, list, given) => {
        const { start, cordon } = selectHosts(session, list, given);

        expect(start.filter((run) => !awaitsTurn(run))).toEqual([]);
        expect(cordon.filter(({ phase }) => phase !== "WAITING")).toEqual([]);
        expect(new Set([...start, ...cordon]).size).toBe(start.length + cordon.length);
        expect([...start, ...cordon].filter((run) => given.guard?.start(run) ?? null)).toEqual([]);
      }),
    );
  });

  test("never cordons more than wanted", () => {
    fc.assert(
      fc.property(sessions, runs, brakes, (session, list, given) => {
        const { start, cordon } = selectHosts(session, list, given);
        const cordoned = list.filter(
          (run) => isActive(run) && !takesPlace(run) && !start.includes(run),
        );

        expect(cordon.length).toBeLessThanOrEqual(
          Math.max(0, session.cordon_ahead - cordoned.length),
        );
      }),
    );
  });

  test("does not depend on the order of the rows", () => {
    fc.assert(
      fc.property(sessions, runs, brakes, (session, list, given) => {
        expect(selectHosts(session, list.toReversed(), given)).toEqual(
          selectHosts(session, list, given),
        );
      }),
    );
  });

  test("starts something when nothing is at work, something waits and there is room", () => {
    fc.assert(
      fc.property(sessions, runs, brakes, (session, list, { onTrial }) => {
        const idle = list.filter((run) => !takesPlace(run));
        const { start } = selectHosts(session, idle, { ...NO_BRAKES, onTrial });

        expect(start.length > 0).toBe(idle.some(awaitsTurn));
      }),
    );
  });
});
