import { type Action, perform, readDelete, readPut } from "../actions.ts";
import type { Engine } from "../engine.ts";
import { readIgnored, readMembers, required } from "../inputs.ts";
import { invalid, malformed } from "../invalid.ts";
import { isRecord } from "../read-values.ts";
import { findItem } from "../stored-items.ts";
import { throttlingError } from "../throttling.ts";
import { refuseDuplicates } from "./batch-get-item.ts";

const MEMBERS = new Set(["RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"]);
const REQUEST_MEMBERS = new Set(["PutRequest", "DeleteRequest"]);
const PUT_MEMBERS = new Set(["Item"]);
const DELETE_MEMBERS = new Set(["Key"]);

const MOST_REQUESTS = 25;

type WriteRequest = {
  readonly tableName: string;
  readonly action: Action;
  readonly request: unknown;
};

/** Requests that are throttled come back as `UnprocessedItems`. */
export const batchWriteItemOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, MEMBERS);
  readIgnored(input);
  const requests = readRequests(engine, required("RequestItems", input["RequestItems"]));
  const unprocessed: Record<string, unknown[]> = {};
  engine.write(() => {
    let written = 0;
    for (const { tableName, action, request: original } of requests) {
      if (engine.misbehaviour.throttles()) {
        unprocessed[tableName] = [...(unprocessed[tableName] ?? []), original];
        continue;
      }
      written += 1;
      perform(engine, action, findItem(engine.storage, action.table, action.key));
    }
    if (written === 0) throw throttlingError();
  });
  return { UnprocessedItems: unprocessed };
};

const readRequests = (engine: Engine, items: unknown): readonly WriteRequest[] => {
  if (!isRecord(items)) throw malformed("Unexpected value type in payload");
  const tables = Object.entries(items).map(([name, requests]) =>
    readTableRequests(engine, name, requests),
  );
  if (tables.length === 0)
    throw invalid(
      "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  const requests = tables.flat();
  if (requests.length > MOST_REQUESTS)
    throw invalid("Too many items requested for the BatchWriteItem call");
  return requests;
};

const readTableRequests = (
  engine: Engine,
  name: string,
  requests: unknown,
): readonly WriteRequest[] => {
  if (!Array.isArray(requests)) throw malformed("Unexpected value type in payload");
  if (requests.length === 0)
    throw invalid(`The batch write request list for a table cannot be null or empty: ${name}`);
  const read = requests.map((request) => ({
    tableName: name,
    action: readWriteRequest(engine, name, request),
    request,
  }));
  refuseDuplicates(read.map(({ action }) => action.key));
  return read;
};

const readWriteRequest = ({ catalog }: Engine, name: string, request: unknown): Action => {
  const { PutRequest, DeleteRequest } = readMembers(request, REQUEST_MEMBERS);
  if ((PutRequest == null) === (DeleteRequest == null))
    throw invalid(
      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    );
  return PutRequest == null
    ? readDelete(catalog, { TableName: name, ...readMembers(DeleteRequest, DELETE_MEMBERS) })
    : readPut(catalog, { TableName: name, ...readMembers(PutRequest, PUT_MEMBERS) });
};
