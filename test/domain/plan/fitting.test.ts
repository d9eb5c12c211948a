import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { movabilityOf } from "../../../lib/domain/instances.ts";
import {
  type Burden,
  fitsElsewhere,
  isBurden,
  lackOf,
  roomsFor,
} from "../../../lib/domain/plan/fitting.ts";
import type { HostRoom } from "../../../lib/domain/plan/reserve.ts";
import { policiesSchema } from "../../../lib/domain/session.ts";
import { aGuest, aHost } from "../builders.ts";

const room = (host: string, free: number, memory = free): HostRoom => ({
  host,
  zone: "az1",
  capacity: { VCPU: 10, MEMORY_MB: 10 },
  used: { VCPU: 10 - free, MEMORY_MB: 10 - memory },
  takes: true,
  leaves: false,
});
const needs = (vcpu: number) => ({ VCPU: vcpu, MEMORY_MB: vcpu });
const burden = (id: string, vcpu: number, but: Partial<Burden> = {}): Burden => ({
  id,
  needs: needs(vcpu),
  apart: [],
  groups: [],
  ...but,
});

test("what leaves a host goes to others of its zone that take instances, and only to allowed ones", () => {
  const rooms = [
    room("a", 1),
    room("b", 1),
    { ...room("c", 1), takes: false },
    { ...room("d", 1), zone: "az2" },
    room("e", 1),
  ];
  const names = (targets: string[]) =>
    roomsFor(aHost("a"), { targets }, rooms).map(({ host }) => host);

  expect(names([])).toEqual(["b", "e"]);
  expect(names(["a", "d", "e"])).toEqual(["e"]);
});

describe("what is on a host", () => {
  test("finds room elsewhere as long as each instance fits somewhere, with what is there already", () => {
    const targets = [room("b", 2), room("c", 1)];

    expect(fitsElsewhere([], [])).toBe(true);
    expect(fitsElsewhere([burden("1", 2), burden("2", 1)], targets)).toBe(true);
    expect(fitsElsewhere([burden("1", 1), burden("2", 2)], targets)).toBe(true);
    expect(fitsElsewhere([burden("1", 2), burden("2", 2)], targets)).toBe(false);
    const pinned = burden("1", 1, { needs: { VCPU: 0, MEMORY_MB: 1 } });
    expect(fitsElsewhere([pinned], [room("overfull", -2, 1)])).toBe(true);
    expect(fitsElsewhere([burden("1", 3)], targets)).toBe(false);
  });

  test("needs memory and processors on the same host", () => {
    expect(fitsElsewhere([burden("1", 2)], [room("b", 2, 0), room("c", 0, 2)])).toBe(false);
  });

  test("keeps away from the other members of its groups, there and on their way", () => {
    const apart = { apart: ["b"], groups: ["ha"] };

    expect(fitsElsewhere([burden("ha_0", 1, apart)], [room("b", 5)])).toBe(false);
    expect(fitsElsewhere([burden("ha_0", 1, apart)], [room("b", 5), room("c", 1)])).toBe(true);
    const pair = [burden("1", 1, { groups: ["g"] }), burden("2", 1, { groups: ["g"] })];
    expect(fitsElsewhere(pair, [room("b", 5)])).toBe(false);
    expect(fitsElsewhere(pair, [room("b", 5), room("c", 5)])).toBe(true);
  });

  test("fits whenever an order of trying finds places, and only then", () => {
    const places = (burdens: readonly Burden[], free: number[]): boolean => {
      const [first, ...rest] = burdens;
      if (first === undefined) return true;
      return free.some((left, n) => {
        const name = `h${n}`;
        const isFree = left >= first.needs.VCPU && !first.apart.includes(name);
        return isFree && places(rest, free.with(n, left - first.needs.VCPU));
      });
    };
    fc.assert(
      fc.property(
        fc.array(fc.record({ vcpu: fc.integer({ min: 1, max: 4 }), apart: fc.nat(3) }), {
          maxLength: 5,
        }),
        fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }),
        (wanted, free) => {
          const burdens = wanted.map(({ vcpu, apart }, n) =>
            burden(`${n}`, vcpu, { apart: [`h${apart}`] }),
          );
          const targets = free.map((left, n) => room(`h${n}`, left));

          expect(fitsElsewhere(burdens, targets)).toBe(places(burdens, free));
        },
      ),
    );
  });
});

describe("what a host lacks is what finds no place, less what is left for it on one host:", () => {
  test("what the host that lacks the least is short of for the instance that finds none", () => {
    expect(lackOf([burden("1", 4)], [room("b", 3), room("c", 1)])).toEqual(needs(1));
    expect(lackOf([burden("1", 2), burden("2", 2)], [room("b", 3)])).toEqual(needs(1));
    expect(lackOf([burden("1", 1), burden("2", 2)], [])).toEqual(needs(3));
    expect(lackOf([burden("1", 1), burden("2", 2)], [room("b", 3)])).toEqual(needs(0));
  });

  test("what is left on several hosts does not add up", () => {
    const two = [burden("1", 4), burden("2", 4)];

    expect(lackOf(two, [room("b", 3), room("c", 3)])).toEqual(needs(5));
  });

  test("nothing of a resource of which there is enough", () => {
    expect(lackOf([burden("1", 4)], [room("b", 3, 9), room("c", 0, 9)])).toEqual({
      VCPU: 1,
      MEMORY_MB: 0,
    });
  });

  test("with the instances placed as well as can be, not merely the largest first", () => {
    const burdens = [5, 4, 3, 3].map((vcpu, n) => burden(`${n}`, vcpu));

    expect(lackOf(burdens, [room("b", 8), room("c", 6)])).toEqual(needs(1));
  });

  test("with members of a group kept apart, and one that no host may take counted whole", () => {
    const pair = [burden("1", 3, { groups: ["g"] }), burden("2", 3, { groups: ["g"] })];

    expect(lackOf(pair, [room("b", 9), room("c", 1)])).toEqual(needs(2));
    expect(lackOf(pair, [room("b", 9)])).toEqual(needs(3));
    expect(lackOf([burden("1", 3, { apart: ["b"] })], [room("b", 9), room("c", 1)])).toEqual(
      needs(2),
    );
  });
});

test("as many instances of their size as find no place, taken away anywhere, make room for all others", () => {
  const gone = fc.array(fc.nat(3), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 6 }),
      fc.array(fc.nat(6), { minLength: 1, maxLength: 4 }),
      gone,
      (size, count, free, wherever) => {
        const burdens = Array.from({ length: count }, (_, n) => burden(`${n}`, size));
        const targets = free.map((left, n) => room(`h${n}`, left));
        const wanted = Math.ceil(lackOf(burdens, targets).VCPU / size);
        const without = (instances: number) =>
          free.map((left, n) => {
            const here = wherever.slice(0, instances).filter((at) => at % free.length === n);
            return room(`h${n}`, left + here.length * size);
          });

        expect(fitsElsewhere(burdens, without(wanted))).toBe(true);
        if (wanted > 0) expect(fitsElsewhere(burdens, without(wanted - 1))).toBe(false);
      },
    ),
  );
});

test("what stays on its host by its policy, or nobody may touch, needs no room elsewhere", () => {
  const policies = policiesSchema.parse({ shutoff: "stay", error: "stay" });
  const needsRoom = (status: string) =>
    isBurden(movabilityOf(aGuest({ status, powerState: status === "ACTIVE" ? 1 : 4 }), policies));

  expect(["ACTIVE", "SHUTOFF", "ERROR", "SOFT_DELETED"].map(needsRoom)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
