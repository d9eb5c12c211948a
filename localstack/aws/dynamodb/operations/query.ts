import type { Engine } from "../engine.ts";
import { readKeyCondition } from "../expressions/key-condition.ts";
import { refuseUnused } from "../expressions/placeholders.ts";
import { optionalFlag, optionalText, readMembers } from "../inputs.ts";
import { invalid, invalidParameter } from "../invalid.ts";
import { keyAttributes } from "../keys.ts";
import { readPage } from "../page.ts";
import { readItem } from "../read-values.ts";
import { READ_MEMBERS, type Read, readRead } from "../reads.ts";
import { queryClause, readStartKey } from "../stretch.ts";

const MEMBERS = new Set([...READ_MEMBERS, "KeyConditionExpression", "ScanIndexForward"]);

export const queryOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, MEMBERS);
  const condition = optionalText(input, "KeyConditionExpression");
  if (condition === undefined)
    throw invalid(
      "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
    );
  const read = readRead(engine.catalog, input, { KeyConditionExpression: condition });
  const { source, placeholders } = read;
  const { hash, range } = readKeyCondition(condition, placeholders, source.key);
  refuseUnused(placeholders);
  refuseKeyFilter(read);
  refuseUnprojectedFilter(read);
  const start = input["ExclusiveStartKey"];
  const forward = optionalFlag(input, "ScanIndexForward") ?? true;
  const clause = queryClause(
    source,
    hash,
    range,
    start == null ? undefined : readStartKey(source, readItem(start)),
    forward,
  );
  return readPage(engine, read, clause, forward);
};

const refuseUnprojectedFilter = ({ source: { index }, filtered }: Read): void => {
  const absent = [...filtered].filter((name) => index?.projected && !index.projected.has(name));
  if (index && absent.length > 0)
    throw invalidParameter(
      `Secondary index ${index.name} does not project one or more filter attributes: [${absent.join(", ")}]`,
    );
};

const refuseKeyFilter = ({ source, filtered }: Read): void => {
  const key = keyAttributes(source.key).find(({ name }) => filtered.has(name));
  if (key)
    throw invalid(
      `Filter Expression can only contain non-primary key attributes: Primary key attribute: ${key.name}`,
    );
};
