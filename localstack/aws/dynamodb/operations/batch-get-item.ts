import type { Item } from "../attribute-values.ts";
import type { Table } from "../catalog.ts";
import type { Engine } from "../engine.ts";
import type { Path } from "../expressions/path.ts";
import { readPlaceholders, refuseUnused } from "../expressions/placeholders.ts";
import { project, readProjection } from "../expressions/projection.ts";
import { optionalFlag, optionalText, readIgnored, readMembers, required } from "../inputs.ts";
import { invalid, malformed } from "../invalid.ts";
import { type EncodedKey, parameterKey } from "../keys.ts";
import { isRecord, readItem } from "../read-values.ts";
import { findItem } from "../stored-items.ts";
import { throttlingError } from "../throttling.ts";

const MEMBERS = new Set(["RequestItems", "ReturnConsumedCapacity"]);
const TABLE_MEMBERS = new Set([
  "Keys",
  "ConsistentRead",
  "ProjectionExpression",
  "ExpressionAttributeNames",
]);

const MOST_KEYS = 100;
const LARGEST_RESPONSE_BYTES = 16 * 1024 * 1024;

/** One table's part of the request. */
type TableRequest = {
  readonly table: Table;
  readonly keys: readonly { readonly key: EncodedKey; readonly parameter: Item }[];
  readonly paths: readonly Path[] | undefined;
  /** What goes back to the caller beside the keys that were not read. */
  readonly options: Readonly<Record<string, unknown>>;
};

/** Keys that are throttled or do not fit into 16 MB come back as `UnprocessedKeys`. */
export const batchGetItemOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, MEMBERS);
  readIgnored(input);
  const requests = readRequests(engine, required("RequestItems", input["RequestItems"]));
  const budget = { bytes: LARGEST_RESPONSE_BYTES };
  const answers = requests.map((each) => ({ ...each, ...readItems(engine, each, budget) }));
  if (answers.every(({ keys, left }) => left.length === keys.length)) throw throttlingError();
  return {
    Responses: Object.fromEntries(answers.map(({ table, items }) => [table.name, items])),
    UnprocessedKeys: Object.fromEntries(
      answers
        .filter(({ left }) => left.length > 0)
        .map(({ table, left, options }) => [table.name, { Keys: left, ...options }]),
    ),
  };
};

/** Reads one table's keys as long as the budget lasts; the keys left over go back to the caller. */
const readItems = (
  { storage, misbehaviour }: Engine,
  { table, keys, paths }: TableRequest,
  budget: { bytes: number },
): { readonly items: readonly Item[]; readonly left: readonly Item[] } => {
  const items: Item[] = [];
  const left: Item[] = [];
  for (const { key, parameter } of keys) {
    const found = findItem(storage, table, key);
    const size = found?.size ?? 0;
    if (size > budget.bytes || misbehaviour.throttles()) {
      left.push(parameter);
      continue;
    }
    budget.bytes -= size;
    if (found) items.push(paths ? project(found.item, paths) : found.item);
  }
  return { items, left };
};

const readRequests = (engine: Engine, items: unknown): readonly TableRequest[] => {
  if (!isRecord(items)) throw malformed("Unexpected value type in payload");
  const requests = Object.entries(items).map(([name, request]) =>
    readTableRequest(engine, name, request),
  );
  if (requests.length === 0)
    throw invalid(
      "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  if (requests.reduce((total, { keys }) => total + keys.length, 0) > MOST_KEYS)
    throw invalid("Too many items requested for the BatchGetItem call");
  return requests;
};

const readTableRequest = ({ catalog }: Engine, name: string, request: unknown): TableRequest => {
  const input = readMembers(request, TABLE_MEMBERS);
  optionalFlag(input, "ConsistentRead");
  const source = optionalText(input, "ProjectionExpression");
  const placeholders = readPlaceholders(input["ExpressionAttributeNames"], undefined, {
    ProjectionExpression: source,
  });
  const paths = source === undefined ? undefined : readProjection(source, placeholders);
  refuseUnused(placeholders);
  const { Keys, ...options } = input;
  const table = catalog.get(name);
  return { table, keys: readKeys(table, required("Keys", Keys)), paths, options };
};

const readKeys = (table: Table, input: unknown): TableRequest["keys"] => {
  if (!Array.isArray(input)) throw malformed("Unexpected value type in payload");
  if (input.length === 0)
    throw invalid(
      `1 validation error detected: Value '[]' at 'requestItems.${table.name}.member.keys' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    );
  const keys = input.map((element) => {
    const parameter = readItem(element);
    return { parameter, key: parameterKey(table.key, parameter) };
  });
  refuseDuplicates(keys.map(({ key }) => key));
  return keys;
};

/** @throws AwsError ValidationException when two keys name the same item */
export const refuseDuplicates = (keys: readonly EncodedKey[]): void => {
  const texts = keys.map(({ hash, range }) => JSON.stringify([keyText(hash), keyText(range)]));
  if (new Set(texts).size < texts.length)
    throw invalid("Provided list of item keys contains duplicates");
};

const keyText = (value: EncodedKey["hash"]): string =>
  typeof value === "string" ? value : Buffer.from(value).toString("base64");
