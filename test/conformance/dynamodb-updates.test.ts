import type { AttributeValue } from "@aws-sdk/client-dynamodb";
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

const N = (n: number | string) => ({ N: String(n) });
const S = (s: string) => ({ S: s });
const L = (...values: AttributeValue[]) => ({ L: values });

const SUBJECT: Item = {
  n: N(5),
  s: S("snow"),
  l: L(S("a"), S("b"), S("c")),
  mp: { M: { x: N(1), y: { M: { z: N(1) } } } },
  ss: { SS: ["a", "b"] },
};

type Values = Record<string, AttributeValue>;

const updated = async (expression: string, values?: Values) => {
  const key = newKey();
  await table.put({ ...key, ...SUBJECT });
  const { Attributes } = await table.update(key, expression, {
    ReturnValues: "ALL_NEW",
    ...(values && { ExpressionAttributeValues: values }),
  });
  expect((await table.get(key)).Item).toEqual(Attributes);
  const { PK, SK, ...rest } = Attributes ?? {};
  expect({ PK, SK }).toEqual(key);
  return rest;
};

const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(SUBJECT).filter(([name]) => !names.includes(name)));

describe("an update", () => {
  const cases: readonly (readonly [string, Values | undefined, Item])[] = [
    ["SET n = :v", { ":v": S("now text") }, { ...SUBJECT, n: S("now text") }],
    ["SET n = n + :v", { ":v": N("0.1") }, { ...SUBJECT, n: N("5.1") }],
    ["SET n = :v - n", { ":v": N(3) }, { ...SUBJECT, n: N(-2) }],
    ["SET q = n", undefined, { ...SUBJECT, q: N(5) }],
    ["SET q = n, n = :v", { ":v": N(1) }, { ...SUBJECT, q: N(5), n: N(1) }],
    ["SET q = if_not_exists(q, :v) + :one", { ":v": N(9), ":one": N(1) }, { ...SUBJECT, q: N(10) }],
    ["SET n = if_not_exists(n, :v)", { ":v": N(9) }, SUBJECT],
    ["SET q = if_not_exists(q, if_not_exists(qq, n))", undefined, { ...SUBJECT, q: N(5) }],
    [
      "SET l = list_append(l, :v)",
      { ":v": L(S("d")) },
      { ...SUBJECT, l: L(S("a"), S("b"), S("c"), S("d")) },
    ],
    [
      "SET l = list_append(:v, l)",
      { ":v": L(S("z")) },
      { ...SUBJECT, l: L(S("z"), S("a"), S("b"), S("c")) },
    ],
    [
      "SET q = list_append(if_not_exists(q, :v), l)",
      { ":v": L() },
      { ...SUBJECT, q: L(S("a"), S("b"), S("c")) },
    ],
    [
      "SET mp.y.z = :v",
      { ":v": N(2) },
      { ...SUBJECT, mp: { M: { x: N(1), y: { M: { z: N(2) } } } } },
    ],
    [
      "SET mp.w = :v",
      { ":v": N(2) },
      { ...SUBJECT, mp: { M: { x: N(1), y: { M: { z: N(1) } }, w: N(2) } } },
    ],
    ["SET l[1] = :v", { ":v": S("B") }, { ...SUBJECT, l: L(S("a"), S("B"), S("c")) }],
    [
      "SET l[9] = :v, l[7] = :w",
      { ":v": S("9"), ":w": S("7") },
      { ...SUBJECT, l: L(S("a"), S("b"), S("c"), S("7"), S("9")) },
    ],
    ["SET l[1] = :v REMOVE l[0], l[2]", { ":v": S("B") }, { ...SUBJECT, l: L(S("B")) }],
    ["REMOVE n, s", undefined, without("n", "s")],
    ["REMOVE absent", undefined, SUBJECT],
    ["REMOVE mp.x, mp.absent", undefined, { ...SUBJECT, mp: { M: { y: { M: { z: N(1) } } } } }],
    ["REMOVE l[0], l[7]", undefined, { ...SUBJECT, l: L(S("b"), S("c")) }],
    ["ADD n :v", { ":v": N("-7.5") }, { ...SUBJECT, n: N("-2.5") }],
    ["ADD q :v", { ":v": N(2) }, { ...SUBJECT, q: N(2) }],
    ["ADD mp.x :v", { ":v": N(2) }, { ...SUBJECT, mp: { M: { x: N(3), y: { M: { z: N(1) } } } } }],
    ["ADD q :v", { ":v": { SS: ["only"] } }, { ...SUBJECT, q: { SS: ["only"] } }],
    ["DELETE ss :v", { ":v": { SS: ["a", "z"] } }, { ...SUBJECT, ss: { SS: ["b"] } }],
    ["DELETE ss :v", { ":v": { SS: ["b", "a"] } }, without("ss")],
    ["DELETE absent :v", { ":v": { SS: ["a"] } }, SUBJECT],
    ["set n = :v remove s", { ":v": N(1) }, { ...without("s"), n: N(1) }],
    [
      "ADD n :v SET s = :s DELETE ss :ss REMOVE l",
      { ":v": N(1), ":s": S("x"), ":ss": { SS: ["a"] } },
      { ...without("l"), n: N(6), s: S("x"), ss: { SS: ["b"] } },
    ],
  ];
  test.each(cases)("%s %j", async (expression, values, expected) => {
    expect(await updated(expression, values)).toEqual(expected);
  });

  test("ADD joins sets", async () => {
    const { ss } = await updated("ADD ss :v", { ":v": { SS: ["b", "c"] } });
    expect(new Set(ss?.SS)).toEqual(new Set(["a", "b", "c"]));
  });

  test("adds exactly, with 38 digits", async () => {
    const key = newKey();
    await table.put({ ...key, n: N("99999999999999999999999999999999999998") });
    await table.update(key, "ADD n :one", { ExpressionAttributeValues: { ":one": N(1) } });
    expect((await table.get(key)).Item?.["n"]).toEqual(N("99999999999999999999999999999999999999"));
  });
});

describe("an item that does not exist", () => {
  test("is created by an update", async () => {
    const key = newKey();
    const { Attributes } = await table.update(key, "SET n = :v", {
      ExpressionAttributeValues: { ":v": N(1) },
      ReturnValues: "ALL_NEW",
    });
    expect(Attributes).toEqual({ ...key, n: N(1) });
  });

  test.each([
    ["REMOVE n", undefined],
    ["DELETE ss :v", { ":v": { SS: ["a"] } }],
  ])("is created even by %s", async (expression, values) => {
    const key = newKey();
    await table.update(key, expression, values ? { ExpressionAttributeValues: values } : {});
    expect((await table.get(key)).Item).toEqual(key);
  });

  test("is not created when the condition needs it", async () => {
    const key = newKey();
    const error = await refusal(
      table.update(key, "SET n = :v", {
        ConditionExpression: "attribute_exists(PK)",
        ExpressionAttributeValues: { ":v": N(1) },
      }),
    );
    expect(error.name).toBe("ConditionalCheckFailedException");
    expect((await table.get(key)).Item).toBeUndefined();
  });
});

describe("an update returns", () => {
  const returned = async (ReturnValues: "NONE" | "ALL_OLD" | "UPDATED_OLD" | "UPDATED_NEW") => {
    const key = newKey();
    await table.put({ ...key, n: N(1), s: S("same"), gone: S("x") });
    const { Attributes } = await table.update(key, "SET n = :v, q = :v REMOVE gone", {
      ExpressionAttributeValues: { ":v": N(2) },
      ReturnValues,
    });
    return { key, Attributes };
  };

  test("nothing by itself", async () => {
    expect((await returned("NONE")).Attributes).toBeUndefined();
  });
  test("the whole old item", async () => {
    const { key, Attributes } = await returned("ALL_OLD");
    expect(Attributes).toEqual({ ...key, n: N(1), s: S("same"), gone: S("x") });
  });
  test("what it changed, as it was", async () => {
    expect((await returned("UPDATED_OLD")).Attributes).toEqual({ n: N(1), gone: S("x") });
  });
  test("what it changed, as it is", async () => {
    expect((await returned("UPDATED_NEW")).Attributes).toEqual({ n: N(2), q: N(2) });
  });
});

describe("an update is refused", () => {
  const cases: readonly (readonly [string, Values | undefined, string])[] = [
    ["", undefined, "The expression can not be empty"],
    ["SET", undefined, 'Syntax error; token: "<EOF>"'],
    ["n = :v", { ":v": N(1) }, 'Syntax error; token: "n"'],
    ["SET n = :v,", { ":v": N(1) }, 'Syntax error; token: "<EOF>"'],
    ["SET n = n + :v - :v", { ":v": N(1) }, 'Syntax error; token: "-"'],
    ["ADD n s", undefined, 'Syntax error; token: "s"'],
    ["SET n = :v SET s = :v", { ":v": N(1) }, 'The "SET" section can only be used once'],
    ["SET n = :v, n = :v", { ":v": N(1) }, "path one: [n], path two: [n]"],
    ["SET mp.x = :v, mp = :v", { ":v": N(1) }, "paths overlap"],
    ["SET mp.x = :v REMOVE mp", { ":v": N(1) }, "paths overlap"],
    ["SET mp.x = :v, mp[0] = :v", { ":v": N(1) }, "paths conflict"],
    [
      "SET PK = :v",
      { ":v": S("x") },
      "Cannot update attribute PK. This attribute is part of the key",
    ],
    ["REMOVE SK", undefined, "Cannot update attribute SK. This attribute is part of the key"],
    ["SET n = absent", undefined, "refers to an attribute that does not exist"],
    ["SET n = absent + :v", { ":v": N(1) }, "refers to an attribute that does not exist"],
    ["SET n = s + :v", { ":v": N(1) }, "incorrect data type"],
    [
      "SET n = n + :v",
      { ":v": S("1") },
      "Incorrect operand type for operator or function; operator or function: +, operand type: S",
    ],
    [
      "SET q = list_append(l, :v)",
      { ":v": S("d") },
      "operator or function: list_append, operand type: S",
    ],
    ["SET q = list_append(n, l)", undefined, "incorrect data type"],
    ["SET q = if_not_exists(:v, :v)", { ":v": S("d") }, "requires a document path"],
    ["SET q = attribute_exists(n)", undefined, "not allowed in an update expression"],
    ["SET q = foo(n)", undefined, "Invalid function name; function: foo"],
    [
      "SET mp.absent.z = :v",
      { ":v": N(1) },
      "document path provided in the update expression is invalid",
    ],
    ["SET n.x = :v", { ":v": N(1) }, "document path provided in the update expression is invalid"],
    [
      "SET mp[0] = :v",
      { ":v": N(1) },
      "document path provided in the update expression is invalid",
    ],
    ["SET l.x = :v", { ":v": N(1) }, "document path provided in the update expression is invalid"],
    ["REMOVE mp.absent.z", undefined, "document path provided in the update expression is invalid"],
    ["ADD s :v", { ":v": N(1) }, "incorrect data type"],
    ["ADD ss :v", { ":v": { NS: ["1"] } }, "incorrect data type"],
    ["ADD s :v", { ":v": S("1") }, "operator: ADD, operand type: STRING"],
    ["DELETE n :v", { ":v": N(1) }, "operator: DELETE, operand type: NUMBER"],
    ["DELETE n :v", { ":v": { SS: ["1"] } }, "incorrect data type"],
    ["SET n = :v", { ":v": N(1), ":w": N(1) }, "unused in expressions: keys: {:w}"],
    ["SET #q = :v", { ":v": N(1) }, "attribute name: #q"],
    ["SET n = :q", { ":v": N(1) }, "attribute value: :q"],
    ["SET status = :v", { ":v": N(1) }, "reserved keyword: status"],
    ["SET n = n + :v", { ":v": N("1E60") }, "38"],
    [
      "SET q = :v",
      { ":v": S("x".repeat(400 * 1024)) },
      "Item size to update has exceeded the maximum allowed size",
    ],
  ];
  test.each(cases)("%s", async (expression, values, message) => {
    const error = await refusal(updated(expression, values));
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain(message);
  });

  test("when it would nest values more than 32 levels deep", async () => {
    const nested = (depth: number): AttributeValue =>
      depth === 1 ? S("innermost") : { L: [nested(depth - 1)] };
    await updated("SET mp.y.z = :v", { ":v": nested(30) });
    const error = await refusal(updated("SET mp.y.z = :v", { ":v": nested(31) }));
    expect(error.name).toBe("ValidationException");
    expect(error.message).toContain("Nesting Levels have exceeded supported limits");
  });

  test("and changes nothing", async () => {
    const key = newKey();
    await table.put({ ...key, ...SUBJECT });
    await refusal(
      table.update(key, "SET n = :v, s = absent", { ExpressionAttributeValues: { ":v": N(1) } }),
    );
    expect((await table.get(key)).Item).toEqual({ ...key, ...SUBJECT });
  });
});
