import type { ChangeFacts, HostFacts, InstanceFacts, MigrationFacts, Story } from "./story.ts";

/** The cloud as it was for a while. */
export type Scene = {
  readonly from: number;
  readonly until: number;
  readonly hosts: ReadonlyMap<string, HostFacts>;
  readonly instances: ReadonlyMap<string, InstanceFacts>;
  readonly migrations: ReadonlyMap<string, MigrationFacts>;
};

/**
 * The scenes of a story: how it began, and how it was after each change. A scene is good until the
 * next one is asked for.
 *
 * What came into being meanwhile is there from the first scene on, as it was when it came; its
 * `created_at` tells since when.
 */
export function* scenes({ before, after, history }: Story): Generator<Scene> {
  const hosts = new Map(before.hosts.map((host) => [host.name, host]));
  const instances = atFirst(before.instances, after.instances, history, "instance");
  const migrations = atFirst(before.migrations, after.migrations, history, "migration");
  const apply = {
    host: (change: ChangeFacts) => set(hosts, change),
    instance: (change: ChangeFacts) => set(instances, change),
    migration: (change: ChangeFacts) => set(migrations, change),
  };
  let from = before.now;
  for (const change of history) {
    yield { from, until: change.at, hosts, instances, migrations };
    apply[change.kind](change);
    from = change.at;
  }
  yield { from, until: after.now, hosts, instances, migrations };
}

const set = <T>(things: Map<string, T>, { id, field, after }: ChangeFacts): void => {
  const thing = things.get(id);
  if (thing) things.set(id, { ...thing, [field]: after });
};

/** Things as they were at the start, or when they came: the present with its changes taken back. */
const atFirst = <T extends { readonly id: string | number }>(
  before: readonly T[],
  after: readonly T[],
  history: readonly ChangeFacts[],
  kind: ChangeFacts["kind"],
): Map<string, T> => {
  const things = new Map(after.map((thing) => [String(thing.id), thing]));
  for (const change of history.toReversed()) {
    const thing = change.kind === kind && things.get(change.id);
    if (thing) things.set(change.id, { ...thing, [change.field]: change.before });
  }
  for (const thing of before) things.set(String(thing.id), thing);
  return things;
};

/** What a field of a thing was just before an instant; `initial` when it had never changed. */
export const valueBefore = (
  { history }: Story,
  at: number,
  { kind, id, field }: Pick<ChangeFacts, "kind" | "id" | "field">,
  initial: unknown,
): unknown =>
  history.findLast(
    (change) =>
      change.at < at && change.kind === kind && change.id === id && change.field === field,
  )?.after ?? initial;

const OVER = new Set([
  "completed",
  "confirmed",
  "done",
  "error",
  "failed",
  "cancelled",
  "reverted",
]);

export const isOver = (status: unknown): boolean => typeof status === "string" && OVER.has(status);

/** Whether the migration exists at that instant and Nova is still at it. */
export const isUnderWay = ({ created_at, status }: MigrationFacts, at: number): boolean =>
  created_at <= at && !isOver(status);

/** The instant, for people. */
export const when = (at: number): string => new Date(at).toISOString().slice(11, 23);
