/** One measured figure with the bar it is held to. */
export type Figure = { readonly figure: string; readonly value: string; readonly bar: string };

/** The middle of the values: one slow run on a busy machine does not move it. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
