import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HostRun } from "../../../lib/domain/host-run.ts";
import { type HostRoom, openGuard } from "../../../lib/domain/plan/reserve.ts";
import { aClaimedSession, aHost, at } from "../builders.ts";

const CAPACITY = 100;

/** A host of 100 GiB and 100 processors, so much of each used. */
const room = (host: string, used: number, but: Partial<HostRoom> = {}): HostRoom => ({
  host,
  zone: "nova",
  capacity: { MEMORY_MB: CAPACITY, VCPU: CAPACITY },
  used: { MEMORY_MB: used, VCPU: used },
  takes: true,
  leaves: false,
  ...but,
});
/** What a host is refused for that its zone lacks so much for, of memory and of processors. */
const lacking = (amount: number, VCPU = amount) =>
  expect.objectContaining({ zone: "nova", lacks: { MEMORY_MB: amount, VCPU } });
const inZone = (host: string, but: Partial<HostRun> = {}) =>
  aHost(host, { place: at("nova"), ...but });
const withReserve = (reserve_hosts: number) => aClaimedSession({ reserve_hosts });

describe("a host is started only if its zone keeps the reserve", () => {
  test("after all of its instances have found room elsewhere", () => {
    const run = inZone("cmp-01");
    const free = (used: number) =>
      openGuard(
        withReserve(1),
        [run],
        [room("cmp-01", used), room("cmp-02", 50), room("cmp-03", 0)],
      );

    expect(free(50).start(run)).toBeNull();
    expect(free(51).start(run)).toEqual({
      zone: "nova",
      host: "cmp-01",
      lacks: { MEMORY_MB: 1, VCPU: 1 },
    });
  });

  test("of the largest host that there is, whoever it is", () => {
    const run = inZone("cmp-01");
    const large = room("cmp-02", 0, { capacity: { MEMORY_MB: 300, VCPU: 300 }, takes: false });
    const guard = openGuard(
      withReserve(1),
      [run],
      [room("cmp-01", 0), large, room("cmp-03", 0), room("cmp-04", 0)],
    );

    expect(guard.start(run)).toEqual(lacking(100));
  });

  test("counting processors as well as memory", () => {
    const run = inZone("cmp-01");
    const busy = room("cmp-02", 0, { used: { MEMORY_MB: 0, VCPU: 30 } });

    expect(openGuard(withReserve(1), [run], [room("cmp-01", 0), busy]).start(run)).toEqual(
      lacking(0, 30),
    );
  });

  test("with all that the zone is short of when it is refused, not only the first of it", () => {
    const run = inZone("cmp-01");
    const busy = room("cmp-02", 0, { used: { MEMORY_MB: 20, VCPU: 30 } });

    expect(openGuard(withReserve(1), [run], [room("cmp-01", 0), busy]).start(run)).toEqual(
      lacking(20, 30),
    );
  });

  test("counting what is still to leave hosts that are being emptied, here and in other sessions", () => {
    const run = inZone("cmp-01");
    const draining = inZone("cmp-02", { phase: "MOVING" });
    const worked = inZone("cmp-02", { phase: "IN_MAINTENANCE" });
    const rooms = (leaves: boolean) => [
      room("cmp-01", 0),
      room("cmp-02", 40, { takes: false }),
      room("cmp-03", 30, { takes: false, leaves }),
      room("cmp-04", 0),
      room("cmp-05", 50),
    ];
    const refusal = (other: HostRun, leaves: boolean) =>
      openGuard(withReserve(1), [run, other], rooms(leaves)).start(run);

    expect(refusal(worked, false)).toBeNull();
    expect(refusal(draining, false)).toBeNull();
    expect(refusal(draining, true)).toEqual(lacking(20));
  });

  test("in its own zone: room in another is no help", () => {
    const run = inZone("cmp-01");
    const elsewhere = room("cmp-02", 0, { zone: "edge" });

    expect(openGuard(withReserve(1), [run], [room("cmp-01", 0), elsewhere]).start(run)).toEqual(
      lacking(100),
    );
  });

  test("and what leaves it fits onto the targets that the session allows", () => {
    const run = inZone("cmp-01");
    const session = aClaimedSession({ reserve_hosts: 1, targets: ["cmp-02"] });
    const rooms = [room("cmp-01", 30), room("cmp-02", 80), room("cmp-03", 0), room("cmp-04", 0)];

    expect(openGuard(session, [run], rooms).start(run)).toEqual(lacking(10));
  });
});

test("a host of which nobody knows what it holds is not begun: its zone may not bear it", () => {
  const run = inZone("cmp-01");
  const guard = openGuard(withReserve(1), [run], [room("cmp-02", 0), room("cmp-03", 0)]);

  expect(guard.start(run)).toBe("unknown");
  expect(guard.cordon(run)).toBe("unknown");
});

describe("without a reserve", () => {
  const runs = [inZone("cmp-01"), inZone("cmp-02")];
  const [first, second] = runs as [HostRun, HostRun];

  test("a host that goes alone is tried, whether or not all of it seems to fit", () => {
    const guard = openGuard(withReserve(0), runs, [room("cmp-01", 90), room("cmp-02", 90)]);

    expect(guard.start(first)).toBeNull();
  });

  test("and so is one of which nobody knows what it holds, but only alone", () => {
    const guard = openGuard(withReserve(0), runs, []);

    expect(guard.start(first)).toBeNull();
    expect(guard.start(second)).toBe("unknown");
    expect(openGuard(withReserve(0), runs, [], { strict: true }).start(first)).toBe("unknown");
  });

  test("two hosts are not emptied into each other", () => {
    const rooms = [room("cmp-01", 60), room("cmp-02", 60), room("cmp-03", 40)];
    const guard = openGuard(withReserve(0), runs, rooms);

    expect(guard.start(first)).toBeNull();
    expect(guard.start(second)).toEqual(lacking(60));
  });
});

test("a cordoned host gives no room, but nothing has to leave it yet", () => {
  const run = inZone("cmp-01");
  const guard = (reserve: number) =>
    openGuard(withReserve(reserve), [run], [room("cmp-01", 90), room("cmp-02", 0)]);

  expect(guard(1).cordon(run)).toBeNull();
  expect(guard(1).start(run)).toEqual(lacking(90));
  expect(guard(2).cordon(run)).toEqual(lacking(100));
});

test("whatever is started one after the other, the reserve of the zone stays free", () => {
  const hosts = fc.array(
    fc.record({ used: fc.nat(CAPACITY), takes: fc.boolean(), cordon: fc.boolean() }),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(hosts, fc.integer({ min: 1, max: 2 }), (fleet, reserve) => {
      const runs = fleet.map((_, n) => inZone(`cmp-${n}`));
      const rooms = fleet.map(({ used, takes }, n) => room(`cmp-${n}`, used, { takes }));
      const guard = openGuard(withReserve(reserve), runs, rooms);
      const gone = new Set<number>();
      let leaving = 0;
      for (const [n, { used, cordon }] of fleet.entries()) {
        const run = runs[n] as HostRun;
        if ((cordon ? guard.cordon(run) : guard.start(run)) !== null) continue;
        gone.add(n);
        leaving += cordon ? 0 : used;
      }
      const free = fleet.reduce(
        (sum, { used, takes }, n) => sum + (takes && !gone.has(n) ? CAPACITY - used : 0),
        0,
      );

      if (gone.size > 0) expect(free - leaving).toBeGreaterThanOrEqual(reserve * CAPACITY);
    }),
  );
});
