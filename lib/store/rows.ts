import * as z from "zod";

/**
 * A row of the table as its domain type.
 *
 * @throws Error naming the row when it does not parse: a row is never skipped silently
 */
export const parseRow = <S extends z.ZodType>(
  schema: S,
  row: Readonly<Record<string, unknown>>,
): z.infer<S> => {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Error(`row ${row["PK"]} ${row["SK"]}: ${z.prettifyError(parsed.error)}`);
};
