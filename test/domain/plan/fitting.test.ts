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
const burden = (id: string, vcpu: number, but: Partial<Burden> = {}): Burden => ({
  id,
  needs: { VCPU: vcpu, MEMORY_MB: vcpu },
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

test("what a host lacks is what finds no place, the largest having been placed first", () => {
  const needs = (vcpu: number) => ({ VCPU: vcpu, MEMORY_MB: vcpu });
  const small = burden("1", 1);
  const large = burden("2", 2);

  expect(lackOf([small, large], [room("b", 2)])).toEqual(needs(1));
  expect(lackOf([small, large], [room("b", 1)])).toEqual(needs(2));
  expect(lackOf([small, large], [])).toEqual(needs(3));
  expect(lackOf([small, large], [room("b", 3)])).toEqual(needs(0));
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
