import { invalid } from "./invalid.ts";

/**
 * DynamoDB numbers: decimals of at most 38 significant digits, magnitude 1E-130 to 9.99...E+125.
 * They travel as text and never become a double. The canonical text is plain decimal notation
 * without a leading plus, needless zeros or an exponent, so that equal numbers are equal texts.
 */
const MOST_DIGITS = 38;
/** A number with `magnitude` m lies in [10^(m-1), 10^m). */
const HIGHEST_MAGNITUDE = 126;
const LOWEST_MAGNITUDE = -129;

/** coefficient * 10^exponent; a coefficient that is not zero does not end in a zero. */
type Decimal = { readonly coefficient: bigint; readonly exponent: number };

const PLAIN_INTEGER = /^(?:0|-?[1-9]\d{0,37})$/;
const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * The canonical text of a number as a caller wrote it.
 *
 * @throws AwsError ValidationException when it is no number, has too many digits, or is too large
 *   or too small
 */
export const canonicalNumber = (text: string): string => {
  if (PLAIN_INTEGER.test(text)) return text;
  const match = NUMBER.exec(text);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match ?? [];
  if (!match || whole.length + fraction.length === 0)
    throw invalid(`The parameter cannot be converted to a numeric value: ${text}`);
  return written(sign === "-", whole + fraction, Number(exponent) - fraction.length);
};

/** Writes digits * 10^exponent canonically, after checking that DynamoDB can hold it. */
const written = (negative: boolean, allDigits: string, scale: number): string => {
  const leading = allDigits.replace(/^0+/, "");
  const digits = leading.replace(/0+$/, "");
  if (digits === "") return "0";
  const exponent = scale + leading.length - digits.length;
  const magnitude = digits.length + exponent;
  if (magnitude > HIGHEST_MAGNITUDE)
    throw invalid(
      "Number overflow. Attempting to store a number with magnitude larger than supported range",
    );
  if (magnitude < LOWEST_MAGNITUDE)
    throw invalid(
      "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    );
  if (digits.length > MOST_DIGITS)
    throw invalid("Attempting to store more than 38 significant digits in a Number");
  return (negative ? "-" : "") + plain(digits, exponent);
};

const plain = (digits: string, exponent: number): string => {
  if (exponent >= 0) return digits + "0".repeat(exponent);
  const point = digits.length + exponent;
  return point > 0
    ? `${digits.slice(0, point)}.${digits.slice(point)}`
    : `0.${"0".repeat(-point)}${digits}`;
};

const decimal = (canonical: string): Decimal => {
  const point = canonical.indexOf(".");
  return point < 0
    ? { coefficient: BigInt(canonical), exponent: 0 }
    : {
        coefficient: BigInt(canonical.slice(0, point) + canonical.slice(point + 1)),
        exponent: point + 1 - canonical.length,
      };
};

/**
 * The exact sum of two canonical numbers.
 *
 * @throws AwsError ValidationException when the sum is not a DynamoDB number
 */
export const addNumbers = (left: string, right: string): string => {
  const a = decimal(left);
  const b = decimal(right);
  const exponent = Math.min(a.exponent, b.exponent);
  const scaled = ({ coefficient, exponent: own }: Decimal) =>
    coefficient * 10n ** BigInt(own - exponent);
  const sum = scaled(a) + scaled(b);
  return sum < 0n
    ? written(true, (-sum).toString(), exponent)
    : written(false, sum.toString(), exponent);
};

export const negateNumber = (canonical: string): string => {
  if (canonical === "0") return canonical;
  return canonical.startsWith("-") ? canonical.slice(1) : `-${canonical}`;
};

/** Below, at or above 0 as `left` is less than, equal to or greater than `right`; both canonical. */
export const compareNumbers = (left: string, right: string): number => {
  if (left === right) return 0;
  const negative = left.startsWith("-");
  if (negative !== right.startsWith("-")) return negative ? -1 : 1;
  return negative ? compareSizes(right, left, 1) : compareSizes(left, right, 0);
};

/** Compares the digits after `from`: the longer whole part is larger, else text order decides. */
const compareSizes = (left: string, right: string, from: number): number => {
  const wholes = wholeLength(left) - wholeLength(right);
  if (wholes !== 0) return wholes;
  return left.slice(from) < right.slice(from) ? -1 : 1;
};

const wholeLength = (canonical: string): number => {
  const point = canonical.indexOf(".");
  return point < 0 ? canonical.length : point;
};

/** Keeps the magnitude positive and three digits wide: 371 to 626. */
const MAGNITUDE_BIAS = 500;
/** Sorts after every digit, so that of two negative numbers the one with more digits comes first. */
const NEGATIVE_END = "~";

/**
 * A text whose byte order is the order of the numbers: sign, magnitude, significant digits; for
 * negative numbers the nines' complement of the latter two.
 */
export const sortableNumber = (canonical: string): string => {
  if (canonical === "0") return "5";
  const negative = canonical.startsWith("-");
  const size = negative ? canonical.slice(1) : canonical;
  const point = wholeLength(size);
  const all = size.slice(0, point) + size.slice(point + 1);
  const leading = all.replace(/^0+/, "");
  const magnitude = point - (all.length - leading.length);
  const ordered = `${magnitude + MAGNITUDE_BIAS}${leading.replace(/0+$/, "")}`;
  return negative ? `4${ninesComplement(ordered)}${NEGATIVE_END}` : `6${ordered}`;
};

const ninesComplement = (digits: string): string =>
  digits.replace(/\d/g, (digit) => String(9 - Number(digit)));

/** What DynamoDB counts for a number: about one byte per two significant digits, plus one, plus one for a sign. */
export const numberSize = (canonical: string): number => {
  const digits = canonical.replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "").length;
  return Math.ceil(digits / 2) + 1 + (canonical.startsWith("-") ? 1 : 0);
};
