import fc from "fast-check";
import { expect, test } from "vitest";
import { instantSchema, later, secondsUntil } from "../../lib/domain/instant.ts";

const instants = fc
  .date({
    min: new Date("1971-01-01T00:00:00Z"),
    max: new Date("2999-12-31T00:00:00Z"),
    noInvalidDate: true,
  })
  .map((date) => date.toISOString());

test.each([
  ["2026-11-22 10:00:00", "2026-11-22T10:00:00.000Z"],
  ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z"],
  ["2026-11-22T10:00:00+02:00", "2026-11-22T08:00:00.000Z"],
  ["2026-11-22T10:00:00.5-03:30", "2026-11-22T13:30:00.500Z"],
  ["2028-02-29 23:59:59", "2028-02-29T23:59:59.000Z"],
])("reads %s as %s", (given, instant) => {
  expect(instantSchema.parse(given)).toBe(instant);
});

test("takes Fenix's form for UTC in the hour that summer time skips or repeats", () => {
  expect(instantSchema.parse("2026-03-29 02:30:00")).toBe("2026-03-29T02:30:00.000Z");
  expect(instantSchema.parse("2026-10-25 02:30:00")).toBe("2026-10-25T02:30:00.000Z");
});

test.each([
  "",
  "tomorrow",
  "2026-11-22",
  "2026-11-22T10:00:00",
  "2026-11-22 10:00",
  "2026-11-22  10:00:00",
  "2026-11-22 10:00:00Z",
  " 2026-11-22 10:00:00",
  "2026-13-01 10:00:00",
  "2026-11-22 25:00:00",
  "2026-11-22 24:00:00",
  "2026-02-30T10:00:00Z",
  "9999-12-31T23:59:59-10:00",
  1_763_805_600,
  null,
])("refuses %j", (nonsense) => {
  expect(instantSchema.safeParse(nonsense).success).toBe(false);
});

test("says which forms it takes", () => {
  const { error } = instantSchema.safeParse("next week");

  expect(error?.issues[0]?.message).toContain("YYYY-MM-DD HH:MM:SS");
});

test.each(["2026-02-31 10:00:00", "2026-11-31 10:00:00", "2027-02-29 10:00:00"])(
  "refuses %s, a day that its month does not have",
  (given) => {
    expect(instantSchema.safeParse(given).success).toBe(false);
  },
);

test("reads both forms of an instant as the same, in a form that sorts like time", () => {
  fc.assert(
    fc.property(instants, instants, (one, other) => {
      const seconds = `${one.slice(0, 19)}Z`;
      const fenix = seconds.slice(0, 19).replace("T", " ");

      expect(instantSchema.parse(fenix)).toBe(instantSchema.parse(seconds));
      expect(instantSchema.parse(one) < instantSchema.parse(other)).toBe(
        Date.parse(one) < Date.parse(other),
      );
    }),
  );
});

test("a wait of the seconds until an instant never ends before it", () => {
  fc.assert(
    fc.property(instants, instants, (from, to) => {
      expect(later(from, secondsUntil(from, to)) >= to).toBe(true);
      expect(later(from, secondsUntil(from, to) - 1) < to).toBe(true);
    }),
  );
});

test("an instant that has passed is a negative number of seconds away", () => {
  expect(secondsUntil("2026-11-22T10:00:10Z", "2026-11-22T10:00:00Z")).toBe(-10);
  expect(later("2026-11-22T10:00:00.000Z", -60)).toBe("2026-11-22T09:59:00.000Z");
});
