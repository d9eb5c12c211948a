import { type Cursor, openCursor } from "./cursor.ts";
import type { ExpressionKind } from "./expression-error.ts";

/** Programs have few distinct expressions; a bound keeps a caller who builds them from filling memory. */
const MOST_REMEMBERED = 1000;

/**
 * A parser that remembers what it parsed last, by expression text. What it answers still has its
 * placeholders, so that it serves every request with the same text.
 */
export const remembered = <T>(
  parse: (cursor: Cursor) => T,
): ((kind: ExpressionKind, source: string) => T) => {
  const known = new Map<string, T>();
  return (kind, source) => {
    const key = `${kind} ${source}`;
    const found = known.get(key);
    if (found !== undefined) {
      known.delete(key);
      known.set(key, found);
      return found;
    }
    const parsed = parse(openCursor(kind, source));
    known.set(key, parsed);
    for (const oldest of known.keys()) {
      if (known.size <= MOST_REMEMBERED) break;
      known.delete(oldest);
    }
    return parsed;
  };
};
