import type { Engine } from "../engine.ts";
import { readPlaceholders, refuseUnused } from "../expressions/placeholders.ts";
import { project, readProjection } from "../expressions/projection.ts";
import {
  optionalFlag,
  optionalText,
  readIgnored,
  readMembers,
  readTableName,
  required,
} from "../inputs.ts";
import { parameterKey } from "../keys.ts";
import { readItem } from "../read-values.ts";
import { findItem } from "../stored-items.ts";

const MEMBERS = new Set([
  "TableName",
  "Key",
  "ConsistentRead",
  "ProjectionExpression",
  "ExpressionAttributeNames",
  "ReturnConsumedCapacity",
]);

export const getItemOperation = ({ catalog, storage }: Engine, request: unknown): unknown => {
  const input = readMembers(request, MEMBERS);
  readIgnored(input);
  optionalFlag(input, "ConsistentRead");
  const name = readTableName(input);
  const key = readItem(required("Key", input["Key"]));
  const source = optionalText(input, "ProjectionExpression");
  const placeholders = readPlaceholders(input["ExpressionAttributeNames"], undefined, {
    ProjectionExpression: source,
  });
  const paths = source === undefined ? undefined : readProjection(source, placeholders);
  refuseUnused(placeholders);
  const table = catalog.get(name);
  const found = findItem(storage, table, parameterKey(table.key, key));
  return found ? { Item: paths ? project(found.item, paths) : found.item } : {};
};
