import { type AttributeValue, type Item, member } from "../attribute-values.ts";
import { type Cursor, commaSeparated, expectEnd } from "./cursor.ts";
import { remembered } from "./parsed.ts";
import { bindPath, type Path, type PathTemplate, parsePath, refuseOverlaps } from "./path.ts";
import type { Placeholders } from "./placeholders.ts";

const KIND = "ProjectionExpression";

const parseProjection = remembered((cursor: Cursor): readonly PathTemplate[] => {
  const paths = commaSeparated(cursor, parsePath);
  expectEnd(cursor);
  return paths;
});

/**
 * Parses and binds a projection expression.
 *
 * @throws AwsError ValidationException for wrong syntax, undefined placeholders or overlapping paths
 */
export const readProjection = (source: string, placeholders: Placeholders): readonly Path[] => {
  const paths = parseProjection(KIND, source).map((path) => bindPath(KIND, path, placeholders));
  refuseOverlaps(KIND, paths);
  return paths;
};

/** The parts of an item that the paths lead to; elements of a list close up. */
export const project = (item: Item, paths: readonly Path[]): Item => projectMap(item, paths);

/** Groups paths by their first part; a group with an empty rest wants the whole value. */
const byFirstPart = (paths: readonly Path[]): ReadonlyMap<string | number, readonly Path[]> => {
  const groups = new Map<string | number, Path[]>();
  for (const [first, ...rest] of paths) {
    if (first === undefined) continue;
    const group = groups.get(first);
    if (group) group.push(rest);
    else groups.set(first, [rest]);
  }
  return groups;
};

const projectMap = (map: Item, paths: readonly Path[]): Item => {
  const parts: [string, AttributeValue][] = [];
  for (const [name, rests] of byFirstPart(paths)) {
    const value = typeof name === "string" ? member(map, name) : undefined;
    const part = value && projectValue(value, rests);
    if (part && typeof name === "string") parts.push([name, part]);
  }
  return Object.fromEntries(parts);
};

const projectValue = (
  value: AttributeValue,
  rests: readonly Path[],
): AttributeValue | undefined => {
  if (rests.some((rest) => rest.length === 0)) return value;
  if ("M" in value) {
    const M = projectMap(value.M, rests);
    return Object.keys(M).length > 0 ? { M } : undefined;
  }
  if (!("L" in value)) return undefined;
  const L = projectList(value.L, rests);
  return L.length > 0 ? { L } : undefined;
};

const projectList = (
  list: readonly AttributeValue[],
  rests: readonly Path[],
): readonly AttributeValue[] =>
  [...byFirstPart(rests)]
    .flatMap(([index, inner]) => (typeof index === "number" ? [{ index, inner }] : []))
    .sort((one, two) => one.index - two.index)
    .flatMap(({ index, inner }) => {
      const element = list[index];
      const part = element && projectValue(element, inner);
      return part ? [part] : [];
    });
