import type { Item } from "./attribute-values.ts";
import type { Engine } from "./engine.ts";
import { hasDueChanges, settleIndexes } from "./indexes.ts";
import { keyOf } from "./keys.ts";
import type { Read, Source } from "./reads.ts";
import type { Row } from "./storage.ts";
import { storedItem } from "./stored-items.ts";
import type { Clause } from "./stretch.ts";

/** Query and Scan stop after reading this much. */
const PAGE_BYTES = 1024 * 1024;

/** SQLite's word for no limit. */
const UNLIMITED = -1;

type Page = {
  readonly Items?: readonly Item[];
  readonly Count: number;
  readonly ScannedCount: number;
  readonly LastEvaluatedKey?: Item;
};

/**
 * One page of the rows that the clause selects: at most `Limit` items and about 1 MB are read,
 * whatever the filter then lets through.
 */
export const readPage = (engine: Engine, read: Read, clause: Clause, forward: boolean): Page => {
  const { table, index } = read.source;
  if (index && hasDueChanges(engine, table)) engine.write(() => settleIndexes(engine, table));
  const rows = engine.storage.each(
    `SELECT item, size FROM ${(index ?? table).rows} WHERE ${clause.sql} ORDER BY ${orderOf(read.source, forward)} LIMIT ?`,
    ...clause.values,
    read.limit ?? UNLIMITED,
  );
  return collect(read, rows);
};

const orderOf = ({ index }: Source, forward: boolean): string => {
  const columns = index ? ["index_hash", "index_range", "hash", "range"] : ["hash", "range"];
  return columns.map((column) => (forward ? column : `${column} DESC`)).join(", ");
};

const collect = ({ source, filter, shape, countOnly, limit }: Read, rows: Iterable<Row>): Page => {
  const items: Item[] = [];
  let count = 0;
  let scanned = 0;
  let bytes = 0;
  let last: Item | undefined;
  for (const row of rows) {
    const { item, size } = storedItem(row);
    scanned += 1;
    bytes += size;
    if (!filter || filter(item)) {
      count += 1;
      if (!countOnly) items.push(shape(item));
    }
    // Only a page that stopped early has a key to go on from, even when nothing follows.
    last = bytes > PAGE_BYTES || scanned === limit ? item : undefined;
    if (last) break;
  }
  return {
    ...(!countOnly && { Items: items }),
    Count: count,
    ScannedCount: scanned,
    ...(last && { LastEvaluatedKey: startKeyOf(source, last) }),
  };
};

const startKeyOf = ({ table, index }: Source, item: Item): Item => ({
  ...keyOf(table.key, item),
  ...(index && keyOf(index.key, item)),
});
