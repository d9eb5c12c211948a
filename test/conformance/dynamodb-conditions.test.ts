import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type PutItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlainTable, type Item, newKey, tableCalls } from "./dynamodb-fixture.ts";
import { type Endpoint, openEndpoint, refusal } from "./endpoint.ts";

let endpoint: Endpoint;
let table: ReturnType<typeof tableCalls>;

beforeAll(async () => {
  endpoint = await openEndpoint();
  table = tableCalls(endpoint.client, await createPlainTable(endpoint));
}, 150_000);
afterAll(() => endpoint.close());

const SUBJECT: Item = {
  n: { N: "5" },
  m: { N: "7.5" },
  s: { S: "snow" },
  wide: { S: "😀" },
  b: { B: new Uint8Array([1, 2, 3]) },
  yes: { BOOL: true },
  nothing: { NULL: true },
  l: { L: [{ S: "first" }, { N: "2" }, { M: { x: { S: "deep" } } }] },
  mp: { M: { x: { N: "1" }, y: { M: { z: { S: "z" } } } } },
  ss: { SS: ["a", "b"] },
  ns: { NS: ["1", "2"] },
  bs: { BS: [new Uint8Array([9])] },
};

type Values = Record<string, AttributeValue>;

/** Whether a put on this condition goes through when the subject is stored. */
const holds = async (
  ConditionExpression: string,
  ExpressionAttributeValues?: Values,
  more: Partial<PutItemCommandInput> = {},
): Promise<boolean> => {
  const key = newKey();
  await table.put({ ...key, ...SUBJECT });
  try {
    await table.put(key, {
      ConditionExpression,
      ...(ExpressionAttributeValues && { ExpressionAttributeValues }),
      ...more,
    });
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};

const N = (n: number | string) => ({ N: String(n) });
const S = (s: string) => ({ S: s });

describe("a condition that holds", () => {
  const cases: readonly (readonly [string, Values?])[] = [
    ["n = :v", { ":v": N("5.0") }],
    ["n <> :v", { ":v": N(6) }],
    ["n <> :v", { ":v": S("5") }],
    ["absent <> :v", { ":v": N(6) }],
    ["absent <> gone"],
    ["n < :v", { ":v": N("5.1") }],
    ["n <= :v", { ":v": N(5) }],
    ["n > :v", { ":v": N(-6) }],
    ["m > n"],
    ["s >= :v", { ":v": S("snow") }],
    ["s < :v", { ":v": S("snowy") }],
    ["b > :v", { ":v": { B: new Uint8Array([1, 2]) } }],
    ["n BETWEEN :a AND :b", { ":a": N(5), ":b": N(9) }],
    [":v BETWEEN n AND m", { ":v": N(6) }],
    ["n IN (:a, :b)", { ":a": N(1), ":b": N(5) }],
    ["attribute_exists(n)"],
    ["attribute_exists(mp.y.z)"],
    ["attribute_exists(nothing)"],
    ["attribute_not_exists(absent)"],
    ["attribute_not_exists(mp.absent.z)"],
    ["attribute_not_exists(l[3])"],
    ["attribute_type(s, :v)", { ":v": S("S") }],
    ["attribute_type(nothing, :v)", { ":v": S("NULL") }],
    ["begins_with(s, :v)", { ":v": S("sn") }],
    ["begins_with(b, :v)", { ":v": { B: new Uint8Array([1]) } }],
    ["contains(s, :v)", { ":v": S("now") }],
    ["contains(ss, :v)", { ":v": S("a") }],
    ["contains(ns, :v)", { ":v": N("2.0") }],
    ["contains(l, :v)", { ":v": N(2) }],
    ["contains(:v, s)", { ":v": S("white snow") }],
    ["size(s) = :v", { ":v": N(4) }],
    ["size(b) = :v", { ":v": N(3) }],
    ["size(l) = :v", { ":v": N(3) }],
    ["size(mp) = :v", { ":v": N(2) }],
    ["size(l) > size(ss)"],
    ["yes = :v", { ":v": { BOOL: true } }],
    ["nothing = :v", { ":v": { NULL: true } }],
    ["ss = :v", { ":v": { SS: ["b", "a"] } }],
    ["l[0] = :v", { ":v": S("first") }],
    ["l[2].x = :v", { ":v": S("deep") }],
    ["mp = :v", { ":v": { M: { y: { M: { z: S("z") } }, x: N(1) } } }],
    ["NOT n = :v", { ":v": N(6) }],
    ["NOT absent < :v", { ":v": N(6) }],
    ["NOT NOT n = :v", { ":v": N(5) }],
    ["n = :v OR n = :w AND m = :w", { ":v": N(5), ":w": N(0) }],
    ["(n = :w OR n = :v) AND s = :s", { ":v": N(5), ":w": N(0), ":s": S("snow") }],
    [Array(150).fill("n = :v").join(" OR "), { ":v": N(5) }],
    [`n IN (${[...Array(99).fill(":w"), ":v"]})`, { ":v": N(5), ":w": N(6) }],
    ["n = :v and not s in (:s)", { ":v": N(5), ":s": S("rain") }],
  ];
  for (const [condition, values] of cases)
    test(`${condition} ${JSON.stringify(values)}`, async () => {
      expect(await holds(condition, values)).toBe(true);
    });
});

describe("a condition that fails", () => {
  const cases: readonly (readonly [string, Values?])[] = [
    ["n = :v", { ":v": S("5") }],
    ["absent = :v", { ":v": N(5) }],
    ["absent = gone"],
    ["absent < :v", { ":v": N(5) }],
    ["n < :v", { ":v": S("9") }],
    ["n BETWEEN :a AND :b", { ":a": N(6), ":b": N(9) }],
    ["n IN (:a)", { ":a": S("5") }],
    ["attribute_exists(s.x)"],
    ["attribute_exists(l[3])"],
    ["begins_with(n, :v)", { ":v": S("5") }],
    ["contains(n, :v)", { ":v": N(5) }],
    ["contains(ss, :v)", { ":v": { SS: ["a"] } }],
    ["size(n) < :v", { ":v": N(100) }],
    ["size(absent) < :v", { ":v": N(100) }],
    ["n = :v AND m = :v", { ":v": N(5) }],
  ];
  for (const [condition, values] of cases)
    test(`${condition} ${JSON.stringify(values)}`, async () => {
      expect(await holds(condition, values)).toBe(false);
    });

  test("leaves the item as it was", async () => {
    const key = newKey();
    await table.put({ ...key, n: N(1) });
    await refusal(
      table.put({ ...key, n: N(2) }, { ConditionExpression: "attribute_not_exists(PK)" }),
    );
    expect((await table.get(key)).Item).toEqual({ ...key, n: N(1) });
  });

  test("hands back the item that failed it, on request", async () => {
    const key = newKey();
    await table.put({ ...key, n: N(1) });
    const error = await refusal(
      table.put(key, {
        ConditionExpression: "attribute_not_exists(PK)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    expect(error).toBeInstanceOf(ConditionalCheckFailedException);
    expect((error as ConditionalCheckFailedException).Item).toEqual({ ...key, n: N(1) });
    expect(error.message).toBe("The conditional request failed");
  });

  test("hands back nothing unasked, or where there is no item", async () => {
    const key = newKey();
    const missing = await refusal(
      table.put(key, {
        ConditionExpression: "attribute_exists(PK)",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    await table.put(key);
    const unasked = await refusal(
      table.put(key, { ConditionExpression: "attribute_not_exists(PK)" }),
    );
    expect((missing as ConditionalCheckFailedException).Item).toBeUndefined();
    expect((unasked as ConditionalCheckFailedException).Item).toBeUndefined();
  });
});

describe("a condition is refused", () => {
  const cases: readonly (readonly [string, string, Values | undefined, string])[] = [
    ["with a reserved word", "name = :v", { ":v": N(5) }, "reserved keyword: name"],
    [
      "with a reserved word inside a path",
      "mp.name = :v",
      { ":v": N(5) },
      "reserved keyword: name",
    ],
    ["with an undefined name", "#q = :v", { ":v": N(5) }, "attribute name: #q"],
    ["with an undefined value", "n = :q", { ":v": N(5) }, "attribute value: :q"],
    ["with a value it does not use", "n = :v", { ":v": N(5), ":w": N(5) }, "keys: {:w}"],
    ["that ends too early", "n = :v AND", { ":v": N(5) }, 'Syntax error; token: "<EOF>"'],
    ["with an unknown operator", "n == :v", { ":v": N(5) }, 'Syntax error; token: "="'],
    ["with an unknown character", "n % :v", { ":v": N(5) }, 'Syntax error; token: "%"'],
    ["with a literal", "n = 5", undefined, 'Syntax error; token: "5"'],
    [
      "with a name that begins with an underscore",
      "attribute_exists(_n)",
      undefined,
      "Syntax error",
    ],
    ["that says nothing", "", undefined, "The expression can not be empty"],
    ["with redundant parentheses", "((n = :v))", { ":v": N(5) }, "redundant parentheses"],
    ["with an unknown function", "foo(n)", undefined, "Invalid function name; function: foo"],
    ["with a function in other letters", "Attribute_Exists(n)", undefined, "Invalid function name"],
    ["with size alone", "size(n)", undefined, "not allowed to be used this way"],
    ["with a function of too few operands", "contains(s)", undefined, "number of operands: 1"],
    [
      "that asks whether a value exists",
      "attribute_exists(:v)",
      { ":v": S("a") },
      "requires a document path",
    ],
    ["that compares an attribute with itself", "n = n", undefined, "must be distinct"],
    ["that orders flags", "n < :v", { ":v": { BOOL: true } }, "operand type: BOOL"],
    [
      "that looks for a number at the beginning",
      "begins_with(s, :v)",
      { ":v": N(1) },
      "operand type: N",
    ],
    [
      "with bounds the wrong way round",
      "n BETWEEN :b AND :a",
      { ":a": N(1), ":b": N(2) },
      "upper bound",
    ],
    [
      "with bounds of two types",
      "n BETWEEN :a AND :b",
      { ":a": N(1), ":b": S("2") },
      "same data type",
    ],
    [
      "with an unknown type",
      "attribute_type(n, :v)",
      { ":v": S("X") },
      "Invalid attribute type name found",
    ],
    [
      "with a path of 33 levels",
      `attribute_exists(${Array(33).fill("a").join(".")})`,
      undefined,
      "too many nesting levels",
    ],
    [
      "with an index beyond all lists",
      "attribute_exists(l[99999999999])",
      undefined,
      "List index is not within the allowable range",
    ],
    [
      "with 301 operators",
      Array(151).fill("n = :v").join(" OR "),
      { ":v": N(5) },
      "too many operators",
    ],
    ["with 101 candidates", `n IN (${Array(101).fill(":v")})`, { ":v": N(5) }, "too many operands"],
    [
      "longer than 4 KB",
      `n = :v OR ${"x".repeat(4096)} = :v`,
      { ":v": N(5) },
      "maximum allowed size",
    ],
  ];
  test.each(cases)("%s", async (_, condition, values, message) => {
    const error = await refusal(holds(condition, values));
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain(message);
  });

  test.each([
    ["an unused name", { ExpressionAttributeNames: { "#x": "n" } }, "keys: {#x}"],
    [
      "no names at all",
      { ExpressionAttributeNames: {} },
      "ExpressionAttributeNames must not be empty",
    ],
    ["an empty name", { ExpressionAttributeNames: { "#x": "" } }, "Empty attribute name"],
    ["a name without #", { ExpressionAttributeNames: { x: "n" } }, 'Syntax error; key: "x"'],
    [
      "no values at all",
      { ExpressionAttributeValues: {} },
      "ExpressionAttributeValues must not be empty",
    ],
    ["a value without :", { ExpressionAttributeValues: { v: N(1) } }, 'Syntax error; key: "v"'],
  ])("with %s", async (_, more, message) => {
    const error = await refusal(holds("attribute_exists(n)", undefined, more));
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain(message);
  });

  test.each([
    ["names", { ExpressionAttributeNames: { "#n": "n" } }],
    ["values", { ExpressionAttributeValues: { ":v": N(1) } }],
  ])("when there is none, but %s for one", async (_, more) => {
    const error = await refusal(table.put(newKey(), more));
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain("can only be specified when using expressions");
  });
});
