import { AwsError } from "../../errors.ts";
import type { Index, Table } from "../catalog.ts";
import type { Engine } from "../engine.ts";
import { readMembers, readTableName } from "../inputs.ts";
import { invalid } from "../invalid.ts";
import { isRecord } from "../read-values.ts";
import { numberColumn } from "../storage.ts";
import { streamArn, streamLabel, tableArn } from "../stream-records.ts";

const TABLE_MEMBER = new Set(["TableName"]);

export const createTableOperation = (engine: Engine, request: unknown): unknown => {
  if (isRecord(request) && "TimeToLiveSpecification" in request)
    throw invalid("Unknown or unsupported parameter: TimeToLiveSpecification");
  const name = isRecord(request) ? request["TableName"] : undefined;
  if (typeof name === "string" && engine.catalog.find(name))
    throw new AwsError("ResourceInUseException", `Table already exists: ${name}`);
  const table = engine.write(() => engine.catalog.add(request));
  return { TableDescription: describe(engine, table) };
};

export const describeTableOperation = (engine: Engine, request: unknown): unknown => ({
  Table: describe(engine, readTable(engine, request)),
});

export const deleteTableOperation = (engine: Engine, request: unknown): unknown => {
  const table = readTable(engine, request);
  const description = describe(engine, table);
  engine.write(() => engine.catalog.remove(table));
  return { TableDescription: { ...description, TableStatus: "DELETING" } };
};

const readTable = ({ catalog }: Engine, request: unknown): Table => {
  const name = readTableName(readMembers(request, TABLE_MEMBER));
  const table = catalog.find(name);
  if (!table)
    throw new AwsError(
      "ResourceNotFoundException",
      `Requested resource not found: Table: ${name} not found`,
    );
  return table;
};

const describe = (engine: Engine, table: Table) => {
  const { definition, name, createdAt } = table;
  return {
    TableName: name,
    TableArn: tableArn(name),
    TableId: `00000000-0000-0000-0000-${String(table.id).padStart(12, "0")}`,
    TableStatus: "ACTIVE",
    CreationDateTime: createdAt / 1000,
    AttributeDefinitions: definition.AttributeDefinitions,
    KeySchema: definition.KeySchema,
    BillingModeSummary: { BillingMode: definition.BillingMode },
    ProvisionedThroughput: {
      NumberOfDecreasesToday: 0,
      ReadCapacityUnits: 0,
      WriteCapacityUnits: 0,
    },
    ...contents(engine, table.rows),
    ...(table.indexes.length > 0 && {
      GlobalSecondaryIndexes: table.indexes.map((index) => describeIndex(engine, table, index)),
    }),
    ...(table.streamRows !== undefined && {
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
      LatestStreamArn: streamArn(table),
      LatestStreamLabel: streamLabel(table),
    }),
  };
};

const describeIndex = (engine: Engine, table: Table, { name, rows }: Index) => {
  const index = table.definition.GlobalSecondaryIndexes?.find(
    ({ IndexName }) => IndexName === name,
  );
  return {
    ...index,
    IndexArn: `${tableArn(table.name)}/index/${name}`,
    IndexStatus: "ACTIVE",
    ProvisionedThroughput: {
      NumberOfDecreasesToday: 0,
      ReadCapacityUnits: 0,
      WriteCapacityUnits: 0,
    },
    ...contents(engine, rows, "Index"),
  };
};

/** Counted now; AWS counts about every six hours. */
const contents = ({ storage }: Engine, rows: string, prefix: "Table" | "Index" = "Table") => {
  const row = storage.first(`SELECT count(*), coalesce(sum(size), 0) FROM ${rows}`);
  return {
    ItemCount: row ? numberColumn(row, 0) : 0,
    [`${prefix}SizeBytes`]: row ? numberColumn(row, 1) : 0,
  };
};
