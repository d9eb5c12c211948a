/** What one part of the bench found: rows of cells, the names of the columns first. */
export type Table = readonly (readonly string[])[];

/** The middle of the values: one slow run on a busy machine does not move it. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
