import type { Item } from "./attribute-values.ts";
import type { Catalog, Table } from "./catalog.ts";
import type { Engine } from "./engine.ts";
import { readCondition } from "./expressions/condition.ts";
import type { Path } from "./expressions/path.ts";
import { type Placeholders, readPlaceholders, refuseUnused } from "./expressions/placeholders.ts";
import { readUpdate, type Update } from "./expressions/update.ts";
import { choice, type Input, optionalText, readTableName, required } from "./inputs.ts";
import { invalidParameter } from "./invalid.ts";
import { type EncodedKey, itemKey, keyAttributes, parameterKey } from "./keys.ts";
import { readItem } from "./read-values.ts";
import type { StoredItem } from "./stored-items.ts";
import { putItem, removeItem } from "./write-items.ts";

/** What one request, or one action of a transaction, does to one item. */
export type Action = {
  readonly table: Table;
  readonly key: EncodedKey;
  /** The condition; `{}` stands for an item that does not exist. */
  readonly holds: (item: Item) => boolean;
  /** Whether a failed condition hands back the item that failed it. */
  readonly returnsOld: boolean;
  /** The item afterwards; undefined = none. */
  readonly next: (old: Item | undefined) => Item | undefined;
  /** What an update writes. */
  readonly paths: readonly Path[];
  readonly tooLarge: string;
};

/** Members that every action has, in a transaction as by itself. */
export const ACTION_MEMBERS = [
  "TableName",
  "ConditionExpression",
  "ExpressionAttributeNames",
  "ExpressionAttributeValues",
  "ReturnValuesOnConditionCheckFailure",
] as const;

const expressionsOf = (input: Input, kinds: readonly string[]) =>
  Object.fromEntries(kinds.map((kind) => [kind, optionalText(input, kind)]));

const readConditionOf = (input: Input, placeholders: Placeholders) => {
  const source = optionalText(input, "ConditionExpression");
  return source === undefined
    ? () => true
    : readCondition("ConditionExpression", source, placeholders).holds;
};

const placeholdersOf = (input: Input, kinds: readonly string[]): Placeholders =>
  readPlaceholders(
    input["ExpressionAttributeNames"],
    input["ExpressionAttributeValues"],
    expressionsOf(input, kinds),
  );

const returnsOld = (input: Input): boolean =>
  choice(input, "ReturnValuesOnConditionCheckFailure", ["NONE", "ALL_OLD"]) === "ALL_OLD";

const ITEM_TOO_LARGE = "Item size has exceeded the maximum allowed size";
const UPDATE_TOO_LARGE = "Item size to update has exceeded the maximum allowed size";

export const readPut = (catalog: Catalog, input: Input): Action => {
  const name = readTableName(input);
  const item = readItem(required("Item", input["Item"]));
  const placeholders = placeholdersOf(input, ["ConditionExpression"]);
  const holds = readConditionOf(input, placeholders);
  refuseUnused(placeholders);
  const table = catalog.get(name);
  return {
    table,
    key: itemKey(table.key, item),
    holds,
    returnsOld: returnsOld(input),
    next: () => item,
    paths: [],
    tooLarge: ITEM_TOO_LARGE,
  };
};

/** Reads what Delete and ConditionCheck have in common. */
const readKeyed = (catalog: Catalog, input: Input) => {
  const name = readTableName(input);
  const key = readItem(required("Key", input["Key"]));
  const placeholders = placeholdersOf(input, ["ConditionExpression"]);
  const holds = readConditionOf(input, placeholders);
  refuseUnused(placeholders);
  const table = catalog.get(name);
  return {
    table,
    key: parameterKey(table.key, key),
    holds,
    returnsOld: returnsOld(input),
    paths: [],
    tooLarge: ITEM_TOO_LARGE,
  };
};

export const readDelete = (catalog: Catalog, input: Input): Action => ({
  ...readKeyed(catalog, input),
  next: () => undefined,
});

export const readConditionCheck = (catalog: Catalog, input: Input): Action => {
  required("ConditionExpression", input["ConditionExpression"]);
  return { ...readKeyed(catalog, input), next: (old) => old };
};

const NO_UPDATE: Update = { paths: [], apply: (item) => item };

export const readUpdateAction = (catalog: Catalog, input: Input): Action => {
  const name = readTableName(input);
  const key = readItem(required("Key", input["Key"]));
  const placeholders = placeholdersOf(input, ["UpdateExpression", "ConditionExpression"]);
  const source = optionalText(input, "UpdateExpression");
  const update = source === undefined ? NO_UPDATE : readUpdate(source, placeholders);
  const holds = readConditionOf(input, placeholders);
  refuseUnused(placeholders);
  const table = catalog.get(name);
  refuseKeyUpdate(table, update);
  return {
    table,
    key: parameterKey(table.key, key),
    holds,
    returnsOld: returnsOld(input),
    next: (old) => update.apply(old ?? key),
    paths: update.paths,
    tooLarge: UPDATE_TOO_LARGE,
  };
};

const refuseKeyUpdate = (table: Table, { paths }: Update): void => {
  for (const { name } of keyAttributes(table.key))
    if (paths.some(([first]) => first === name))
      throw invalidParameter(`Cannot update attribute ${name}. This attribute is part of the key`);
};

/** Does the action, whose condition holds; the answer is the item afterwards. */
export const perform = (
  engine: Engine,
  { table, key, next, tooLarge }: Action,
  old: StoredItem | undefined,
): Item | undefined => {
  const item = next(old?.item);
  if (item) putItem(engine, table, key, old, item, tooLarge);
  else if (old) removeItem(engine, table, key, old);
  return item;
};
