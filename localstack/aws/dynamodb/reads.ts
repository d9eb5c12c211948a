import type { Item } from "./attribute-values.ts";
import type { Catalog, Index, Table } from "./catalog.ts";
import { readCondition } from "./expressions/condition.ts";
import type { Path } from "./expressions/path.ts";
import { type Placeholders, readPlaceholders } from "./expressions/placeholders.ts";
import { project, readProjection } from "./expressions/projection.ts";
import {
  choice,
  type Input,
  optionalCount,
  optionalFlag,
  optionalText,
  readIgnored,
  readTableName,
} from "./inputs.ts";
import { invalid, invalidParameter } from "./invalid.ts";
import type { KeySchema } from "./keys.ts";

/** Members that Query and Scan have in common. */
export const READ_MEMBERS = [
  "TableName",
  "IndexName",
  "ConsistentRead",
  "ExclusiveStartKey",
  "ExpressionAttributeNames",
  "ExpressionAttributeValues",
  "FilterExpression",
  "Limit",
  "ProjectionExpression",
  "ReturnConsumedCapacity",
  "Select",
] as const;

/** The table or index that a Query or Scan reads. */
export type Source = {
  readonly table: Table;
  readonly index: Index | undefined;
  /** Key of the index, or of the table. */
  readonly key: KeySchema;
};

/** What a Query or Scan asks for besides the stretch that it reads. */
export type Read = {
  readonly source: Source;
  readonly placeholders: Placeholders;
  readonly filter: ((item: Item) => boolean) | undefined;
  /** Top-level attributes that the filter reads. */
  readonly filtered: ReadonlySet<string>;
  /** What is returned of an item. */
  readonly shape: (item: Item) => Item;
  readonly countOnly: boolean;
  readonly limit: number | undefined;
};

/** @param keyExpression the KeyConditionExpression's name when the operation has one */
export const readRead = (
  catalog: Catalog,
  input: Input,
  keyExpression: Readonly<Record<string, string | undefined>>,
): Read => {
  readIgnored(input);
  const limit = optionalCount(input, "Limit");
  const name = readTableName(input);
  const filterSource = optionalText(input, "FilterExpression");
  const projectionSource = optionalText(input, "ProjectionExpression");
  const placeholders = readPlaceholders(
    input["ExpressionAttributeNames"],
    input["ExpressionAttributeValues"],
    {
      FilterExpression: filterSource,
      ...keyExpression,
      ProjectionExpression: projectionSource,
    },
  );
  const filter =
    filterSource === undefined
      ? undefined
      : readCondition("FilterExpression", filterSource, placeholders);
  const paths =
    projectionSource === undefined ? undefined : readProjection(projectionSource, placeholders);
  const source = readSource(catalog, input, name);
  const select = readSelect(input, source, paths);
  return {
    source,
    placeholders,
    filter: filter?.holds,
    filtered: filter?.attributes ?? new Set(),
    shape: paths ? (item) => project(item, paths) : (item) => item,
    countOnly: select === "COUNT",
    limit,
  };
};

const readSource = (catalog: Catalog, input: Input, name: string): Source => {
  const consistent = optionalFlag(input, "ConsistentRead") ?? false;
  const indexName = optionalText(input, "IndexName");
  const table = catalog.get(name);
  if (indexName === undefined) return { table, index: undefined, key: table.key };
  const index = table.indexes.find((candidate) => candidate.name === indexName);
  if (!index) throw invalid(`The table does not have the specified index: ${indexName}`);
  if (consistent) throw invalid("Consistent reads are not supported on global secondary indexes");
  return { table, index, key: index.key };
};

const SELECTS = [
  "ALL_ATTRIBUTES",
  "ALL_PROJECTED_ATTRIBUTES",
  "SPECIFIC_ATTRIBUTES",
  "COUNT",
] as const;

const readSelect = (input: Input, { index }: Source, paths: readonly Path[] | undefined) => {
  const select = input["Select"] == null ? undefined : choice(input, "Select", SELECTS);
  if (paths && index) refuseUnprojected(index, paths);
  if (select === "SPECIFIC_ATTRIBUTES" && !paths)
    throw invalid(
      "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
    );
  if (paths && select && select !== "SPECIFIC_ATTRIBUTES")
    throw invalid(
      `Cannot specify the ProjectionExpression when choosing to get ${select === "COUNT" ? "only the Count" : select}`,
    );
  if (select === "ALL_PROJECTED_ATTRIBUTES" && !index)
    throw invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  if (select === "ALL_ATTRIBUTES" && index?.projected)
    throw invalidParameter(
      `Select type ALL_ATTRIBUTES is not supported for global secondary index ${index.name} because its projection type is not ALL`,
    );
  return select;
};

const refuseUnprojected = ({ name, projected }: Index, paths: readonly Path[]): void => {
  const absent = paths.flatMap(([first]) =>
    typeof first === "string" && projected && !projected.has(first) ? [first] : [],
  );
  if (absent.length > 0)
    throw invalidParameter(
      `Global secondary index ${name} does not project [${absent.join(", ")}]`,
    );
};
