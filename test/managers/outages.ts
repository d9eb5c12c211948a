import type { ChangeFacts } from "../../localstack/openstack/invariants/story.ts";
import { MARK } from "./project.ts";

/** A time in milliseconds in which something was so. */
export type Span = { readonly from: number; readonly until: number };

type Seen = { vm_state: unknown; task_state: unknown; metadata: unknown };

/** What became of the instances of a cloud, simulated or real: how they are now, and every change up to that. */
type Past = {
  readonly history: readonly ChangeFacts[];
  readonly instances: ReadonlyMap<string, Seen>;
};

/** What an instance was like, from each change of it on. */
const scenesOf = ({ history, instances }: Past, id: string) => {
  const changes = history.filter((one) => one.kind === "instance" && one.id === id);
  const now = instances.get(id);
  if (now === undefined) throw new Error(`there is no instance ${id}`);
  const first: Seen = { ...now };
  for (const { field, before } of changes.toReversed()) Object.assign(first, { [field]: before });
  const scenes = [{ at: Number.NEGATIVE_INFINITY, ...first }];
  for (const { at, field, after } of changes)
    scenes.push({ ...(scenes.at(-1) ?? { at, ...first }), at, [field]: after });
  return scenes.map((scene, n) => ({
    ...scene,
    until: scenes[n + 1]?.at ?? Number.POSITIVE_INFINITY,
  }));
};

const isAway = ({ vm_state, task_state }: Seen): boolean =>
  vm_state !== "active" || task_state !== null;

const isMarked = ({ metadata }: Seen): boolean => Object.hasOwn(Object(metadata), MARK);

/** When an instance was acted on, by the cloud's own history. */
export const impactsOn = (past: Past, id: string): Span[] =>
  merged(
    scenesOf(past, id)
      .filter(isAway)
      .map(({ at: from, until }) => ({ from, until })),
  );

const merged = (spans: readonly Span[]): Span[] => {
  const all: Span[] = [];
  for (const span of spans) {
    const last = all.at(-1);
    if (last && last.until >= span.from) all[all.length - 1] = { ...last, until: span.until };
    else if (span.until > span.from) all.push(span);
  }
  return all;
};

const overlaps = (one: Span, other: Span): boolean =>
  one.from < other.until && other.from < one.until;

/**
 * When a pair did not serve: both of its members were acted on, or the one that bears the mark was.
 *
 * @returns in words; empty when all went well
 */
export const outagesOf = (past: Past, [one, other]: readonly [string, string]): string[] => {
  const told = (what: string, { from }: Span) => `${what} at ${new Date(from).toISOString()}`;
  const both = impactsOn(past, one).filter((span) =>
    impactsOn(past, other).some((another) => overlaps(span, another)),
  );
  const marked = [one, other].flatMap((id) =>
    scenesOf(past, id)
      .filter((scene) => isAway(scene) && isMarked(scene))
      .map(({ at: from, until }) => ({ from, until }))
      .filter(({ from, until }) => until > from),
  );
  return [
    ...both.map((span) => told("both members were acted on", span)),
    ...marked.map((span) => told("the active member was acted on", span)),
  ];
};
