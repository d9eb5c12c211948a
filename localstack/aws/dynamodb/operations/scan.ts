import type { Engine } from "../engine.ts";
import { refuseUnused } from "../expressions/placeholders.ts";
import { readMembers } from "../inputs.ts";
import { readPage } from "../page.ts";
import { readItem } from "../read-values.ts";
import { READ_MEMBERS, readRead } from "../reads.ts";
import { readStartKey, scanClause } from "../stretch.ts";

const MEMBERS = new Set<string>(READ_MEMBERS);

export const scanOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, MEMBERS);
  const read = readRead(engine.catalog, input, {});
  refuseUnused(read.placeholders);
  const start = input["ExclusiveStartKey"];
  const clause = scanClause(start == null ? undefined : readStartKey(read.source, readItem(start)));
  return readPage(engine, read, clause, true);
};
