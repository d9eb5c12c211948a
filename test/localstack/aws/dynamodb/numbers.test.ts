import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addNumbers,
  canonicalNumber,
  compareNumbers,
  negateNumber,
  sortableNumber,
} from "../../../../localstack/aws/dynamodb/numbers.ts";

/** A number as digits * 10^exponent, with digits that leave room for a carry. */
const decimals = fc
  .record({
    negative: fc.boolean(),
    digits: fc.bigInt({ min: 0n, max: 10n ** 37n }),
    exponent: fc.integer({ min: -130, max: 85 }),
  })
  .map(({ negative, digits, exponent }) => ({
    text: `${negative ? "-" : ""}${digits}E${exponent}`,
    // Every exponent above is at least -130, so this is a whole number.
    scaled: (negative ? -1n : 1n) * digits * 10n ** BigInt(exponent + 130),
  }));

/** Numbers close to each other, whose sum has at most 38 digits. */
const neighbours = fc
  .record({
    left: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
    right: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
    exponents: fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 })),
  })
  .map(({ left, right, exponents: [one, two] }) => ({
    left: `${left}E${one}`,
    right: `${right}E${two}`,
    sum: left * 10n ** BigInt(one + 9) + right * 10n ** BigInt(two + 9),
  }));

const scale = (canonical: string, places: number): bigint => {
  const [whole = "", fraction = ""] = canonical.split(".");
  return BigInt(whole + fraction.padEnd(places, "0"));
};

const sign = (n: bigint | number): number => (n < 0 ? -1 : n > 0 ? 1 : 0);

describe("numbers", () => {
  test("keep their value in canonical form, which is its own canonical form", () => {
    fc.assert(
      fc.property(decimals, ({ text, scaled }) => {
        const canonical = canonicalNumber(text);
        expect(scale(canonical, 130)).toBe(scaled);
        expect(canonicalNumber(canonical)).toBe(canonical);
        expect(canonical).toMatch(/^(0|-?([1-9]\d*|0)(\.\d*[1-9])?)$/);
      }),
    );
  });

  test("have one canonical text per value, however they are written", () => {
    fc.assert(
      fc.property(decimals, fc.integer({ min: 0, max: 20 }), ({ text }, zeros) => {
        const [digits = "", exponent = ""] = text.split("E");
        const other = `${digits}${"0".repeat(zeros)}.000E${Number(exponent) - zeros}`;
        expect(canonicalNumber(other)).toBe(canonicalNumber(text));
      }),
    );
  });

  test("compare by value, and their sortable texts compare alike", () => {
    fc.assert(
      fc.property(decimals, decimals, (left, right) => {
        const [one, two] = [canonicalNumber(left.text), canonicalNumber(right.text)];
        const wanted = sign(left.scaled - right.scaled);
        expect(sign(compareNumbers(one, two))).toBe(wanted);
        const bytes = Buffer.compare(
          Buffer.from(sortableNumber(one)),
          Buffer.from(sortableNumber(two)),
        );
        expect(bytes).toBe(wanted);
      }),
    );
  });

  test("compare by value when they are close", () => {
    fc.assert(
      fc.property(neighbours, ({ left, right }) => {
        const [one, two] = [canonicalNumber(left), canonicalNumber(right)];
        const wanted = sign(scale(one, 9) - scale(two, 9));
        expect(sign(compareNumbers(one, two))).toBe(wanted);
        expect(sign(sortableNumber(one) < sortableNumber(two) ? -1 : one === two ? 0 : 1)).toBe(
          wanted,
        );
      }),
    );
  });

  test("add exactly", () => {
    fc.assert(
      fc.property(neighbours, ({ left, right, sum }) => {
        expect(scale(addNumbers(canonicalNumber(left), canonicalNumber(right)), 9)).toBe(sum);
      }),
    );
  });

  test("cancel out with their negation", () => {
    fc.assert(
      fc.property(decimals, ({ text }) => {
        const canonical = canonicalNumber(text);
        expect(addNumbers(canonical, negateNumber(canonical))).toBe("0");
      }),
    );
  });

  test("are refused beyond 38 digits or the range of magnitudes", () => {
    expect(() => addNumbers("1E38".replace("E38", "0".repeat(38)), "1")).toThrow(/38 significant/);
    const largest = canonicalNumber(`${"9".repeat(38)}E88`);
    expect(() => addNumbers(largest, largest)).toThrow(/Number overflow/);
    expect(() => canonicalNumber("1E-131")).toThrow(/Number underflow/);
    expect(() => canonicalNumber(" 1")).toThrow(/cannot be converted to a numeric value/);
  });
});
