import { isRecord } from "../template/intrinsics.ts";

/** A path, parameter or type that cannot be served at run time; Step Functions calls it States.Runtime. */
export class RuntimeError extends Error {
  override readonly name = "States.Runtime";
}

/** Thrown when `ResultPath` cannot be applied to the state's input. */
export class ResultPathError extends Error {
  override readonly name = "States.ResultPathMatchFailure";
}

/** One state's input (`$`) and the context object (`$$`). */
export type Documents = { readonly data: unknown; readonly context: unknown };

const PATH = /^\$\$?(\.[A-Za-z_][\w-]*|\['[^']+'\]|\[\d+\])*$/;
const SEGMENT = /\.([A-Za-z_][\w-]*)|\['([^']+)'\]|\[(\d+)\]/g;

/** Whether `text` is a reference path of the subset: names, quoted names and indexes after `$` or `$$`. */
export const isPath = (text: string): boolean => PATH.test(text);

const segmentsOf = (path: string): (string | number)[] =>
  [...path.matchAll(SEGMENT)].map(([, name, quoted, index]) =>
    index === undefined ? (name ?? quoted ?? "") : Number(index),
  );

/** The value at `path`, or undefined when there is none. */
export const lookup = (path: string, { data, context }: Documents): unknown => {
  let value = path.startsWith("$$") ? context : data;
  for (const segment of segmentsOf(path)) {
    if (typeof segment === "number") value = Array.isArray(value) ? value[segment] : undefined;
    else value = isRecord(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
  }
  return value;
};

/** @throws RuntimeError when there is nothing at `path` */
export const read = (path: string, documents: Documents): unknown => {
  const value = lookup(path, documents);
  if (value === undefined)
    throw new RuntimeError(`The JSONPath '${path}' could not be found in the input`);
  return value;
};

/** Fills a payload template: members whose name ends in `.$` are read from their path. */
export const fill = (template: unknown, documents: Documents): unknown => {
  if (Array.isArray(template)) return template.map((item) => fill(item, documents));
  if (!isRecord(template)) return template;
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) =>
      name.endsWith(".$") && typeof value === "string"
        ? [name.slice(0, -2), read(value, documents)]
        : [name, fill(value, documents)],
    ),
  );
};

/**
 * A state's output: its input with `result` placed at `path` (null = the result is dropped).
 *
 * @throws ResultPathError when the path leads through something that is no object
 */
export const place = (path: string | null, data: unknown, result: unknown): unknown => {
  if (path === null) return data;
  const put = (base: unknown, [segment, ...rest]: (string | number)[]): unknown => {
    if (segment === undefined) return result;
    if (typeof segment === "number" || !(base === undefined || isRecord(base)))
      throw new ResultPathError(
        `Unable to apply step "${path}" to input ${JSON.stringify(data).slice(0, 200)}`,
      );
    return { ...base, [segment]: put(base?.[segment], rest) };
  };
  return put(data, segmentsOf(path));
};
