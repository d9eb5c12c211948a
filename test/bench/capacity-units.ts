import * as z from "zod";
import {
  type Item,
  itemSize,
  member,
  sameItem,
} from "../../localstack/aws/dynamodb/attribute-values.ts";
import type { Database } from "../../localstack/aws/dynamodb/database.ts";

/** Read and write request units of DynamoDB, the written ones also by the kind of the row. */
export type CapacityUnits = {
  reads: number;
  writes: number;
  /** Of `writes`: what the indexes took. */
  indexWrites: number;
  readonly writesByKind: Record<string, number>;
};

export const noUnits = (): CapacityUnits => ({
  reads: 0,
  writes: 0,
  indexWrites: 0,
  writesByKind: {},
});

/** A unit writes up to 1 KB or reads up to 4 KB of one item, and nothing takes less than one. */
const writeUnits = (bytes: number) => Math.max(1, Math.ceil(bytes / 1_024));
const readUnits = (bytes: number, consistent: boolean) =>
  Math.max(1, Math.ceil(bytes / 4_096)) * (consistent ? 1 : 0.5);

/** From the stack itself, which has checked what is in it. */
const itemSchema = z.custom<Item>((value) => typeof value === "object" && value !== null);
const readOptions = {
  ConsistentRead: z.boolean().optional(),
  // The answer would not tell what was read.
  FilterExpression: z.undefined().optional(),
  ProjectionExpression: z.undefined().optional(),
  Select: z.undefined().optional(),
};
const readSchema = z.looseObject(readOptions);
const batchGetSchema = z.looseObject({
  RequestItems: z.record(z.string(), z.looseObject({ ...readOptions, Keys: z.array(z.unknown()) })),
});
const gotSchema = z.looseObject({ Item: itemSchema.optional() });
const pageSchema = z.looseObject({ Items: z.array(itemSchema) });
const batchGotSchema = z.looseObject({ Responses: z.record(z.string(), z.array(itemSchema)) });
const writeSchema = z.looseObject({
  /** Only looks, and takes what a write would. */
  isCheck: z.boolean().default(false),
  TableName: z.string(),
  Key: itemSchema.optional(),
  Item: itemSchema.optional(),
});
type Write = z.infer<typeof writeSchema>;
const transactionSchema = z.looseObject({
  TransactItems: z.array(
    z.record(z.string(), writeSchema).transform((action) =>
      Object.entries(action).map(([name, write]) => ({
        ...write,
        isCheck: name === "ConditionCheck",
      })),
    ),
  ),
});
const keySchema = z
  .array(z.looseObject({ AttributeName: z.string() }))
  .transform((key) => key.map(({ AttributeName }) => AttributeName));
const tableSchema = z.looseObject({
  Table: z.looseObject({
    KeySchema: keySchema,
    GlobalSecondaryIndexes: z
      .array(
        z.looseObject({
          KeySchema: keySchema,
          Projection: z.looseObject({ ProjectionType: z.literal("ALL") }),
        }),
      )
      .default([]),
  }),
});

const sizeOf = (items: readonly Item[]) => items.reduce((sum, item) => sum + itemSize(item), 0);

/** Key of the item's entry in an index; undefined when it lacks an attribute and so is not in it. */
const entryKey = (names: readonly string[], item: Item): string | undefined => {
  const values = names.map((name) => member(item, name));
  return values.includes(undefined) ? undefined : JSON.stringify(values);
};

/** What it takes to bring one index from `old` to `item`. */
const entryUnits = (names: readonly string[], old: Item | undefined, item: Item | undefined) => {
  const before = old && entryKey(names, old);
  const after = item && entryKey(names, item);
  if (old && item && before !== undefined && before === after)
    return sameItem(old, item) ? 0 : writeUnits(Math.max(itemSize(old), itemSize(item)));
  const gone = old && before !== undefined ? writeUnits(itemSize(old)) : 0;
  return gone + (item && after !== undefined ? writeUnits(itemSize(item)) : 0);
};

/** What a row is: its `kind`, or the beginning of its sort key. */
const kindOf = (item: Item): string => {
  const { kind, SK } = item;
  if (kind && "S" in kind) return kind.S;
  return (SK && "S" in SK && /^#?\w+/.exec(SK.S)?.[0]) || "?";
};

/**
 * What the calls of DynamoDB take (Developer Guide, "DynamoDB read and write operations"): the larger
 * of the item before and after, also when a condition fails; twice in a transaction, a condition check
 * counted as a write; and one for each entry of an index that is put or deleted. Writes by time-to-live
 * are free and no call.
 *
 * @param database of the stack, once it is there; items are looked up in it before and after
 * @returns stands around each call, and adds to the units given with it
 */
export const capacityMeter = (database: () => Database) => {
  const tables = new Map<string, z.infer<typeof tableSchema>["Table"]>();
  const tableOf = (TableName: string) => {
    const known =
      tables.get(TableName) ??
      tableSchema.parse(database().handle("DescribeTable", { TableName })).Table;
    tables.set(TableName, known);
    return known;
  };
  const keyOf = ({ TableName, Key, Item = {} }: Write): Item =>
    Key ??
    Object.fromEntries(
      Object.entries(Item).filter(([name]) => tableOf(TableName).KeySchema.includes(name)),
    );
  const find = (write: Write) =>
    gotSchema.parse(database().handle("GetItem", { TableName: write.TableName, Key: keyOf(write) }))
      .Item;

  const indexUnits = (write: Write, old: Item | undefined, item: Item | undefined) =>
    tableOf(write.TableName).GlobalSecondaryIndexes.reduce(
      (sum, { KeySchema }) => sum + entryUnits(KeySchema, old, item),
      0,
    );

  const written = (
    units: CapacityUnits,
    writes: readonly Write[],
    times: number,
    proceed: () => unknown,
  ) => {
    const olds = writes.map(find);
    try {
      return proceed();
    } finally {
      for (const [n, write] of writes.entries()) {
        const [old, item] = [olds[n], find(write)];
        const size = Math.max(old ? itemSize(old) : 0, item ? itemSize(item) : 0);
        const inIndexes = indexUnits(write, old, item);
        const taken = writeUnits(size) * times + inIndexes;
        const row = kindOf({ ...keyOf(write), ...(item ?? old) });
        const kind = write.isCheck ? `${row}, only checked` : row;
        units.writes += taken;
        units.indexWrites += inIndexes;
        units.writesByKind[kind] = (units.writesByKind[kind] ?? 0) + taken;
      }
    }
  };

  return (
    units: CapacityUnits,
    operation: string,
    input: unknown,
    proceed: () => unknown,
  ): unknown => {
    switch (operation) {
      case "GetItem": {
        const { ConsistentRead = false } = readSchema.parse(input);
        const output = proceed();
        const { Item } = gotSchema.parse(output);
        units.reads += readUnits(Item ? itemSize(Item) : 0, ConsistentRead);
        return output;
      }
      case "Query": {
        const { ConsistentRead = false } = readSchema.parse(input);
        const output = proceed();
        units.reads += readUnits(sizeOf(pageSchema.parse(output).Items), ConsistentRead);
        return output;
      }
      case "BatchGetItem": {
        const { RequestItems } = batchGetSchema.parse(input);
        const output = proceed();
        const { Responses } = batchGotSchema.parse(output);
        for (const [name, { Keys, ConsistentRead = false }] of Object.entries(RequestItems)) {
          const found = Responses[name] ?? [];
          for (const item of found) units.reads += readUnits(itemSize(item), ConsistentRead);
          units.reads += readUnits(0, ConsistentRead) * (Keys.length - found.length);
        }
        return output;
      }
      case "PutItem":
      case "UpdateItem":
      case "DeleteItem":
        return written(units, [writeSchema.parse(input)], 1, proceed);
      case "TransactWriteItems": {
        const { TransactItems } = transactionSchema.parse(input);
        return written(units, TransactItems.flat(), 2, proceed);
      }
      default:
        throw new Error(`nobody has told what ${operation} of DynamoDB costs`);
    }
  };
};
