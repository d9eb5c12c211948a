import { readFileSync } from "node:fs";
import { PHASES } from "../../lib/domain/host-run.ts";
import type { Simulator } from "../../localstack/openstack/simulator.ts";
import { type CloudSpec, cloudOf } from "../../localstack/openstack/spec.ts";

/** A row as DynamoDB has it: `{ "PK": { "S": "…" }, … }`. */
export type RawRow = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The whole table at one commit of a session, and the cloud at that moment. */
export type Moment = {
  readonly recorded_at: string;
  readonly session_id: string;
  readonly cloud: CloudSpec;
  /** What the cloud calls its things, by names that stay: another run of it calls them otherwise. */
  readonly ids: Readonly<Record<string, string>>;
  readonly rows: readonly RawRow[];
};

const text = (row: RawRow | undefined, field: string): unknown =>
  row?.[field]?.["S"] ?? row?.[field]?.["N"];
const ofKind = (rows: readonly RawRow[], kind: string) =>
  rows.filter((row) => text(row, "kind") === kind);
const phaseOf = (rows: readonly RawRow[], host: string) =>
  text(
    ofKind(rows, "host_run").find((row) => text(row, "host") === host),
    "phase",
  );
const isNull = (row: RawRow, field: string) => row[field]?.["NULL"] === true;
const moves = (rows: readonly RawRow[]) =>
  ofKind(rows, "intent").filter((row) => !isNull(row, "instance_id"));

type Found = (rows: readonly RawRow[]) => boolean;

/** The moments of a session over cmp-01 and then cmp-02 that are kept, by name. */
export const MOMENTS: Readonly<Record<string, Found>> = {
  opened: (rows) => ofKind(rows, "session").length > 0,
  ...Object.fromEntries(
    PHASES.map((phase): [string, Found] => [
      phase.toLowerCase().replaceAll("_", "-"),
      (rows) => phaseOf(rows, "cmp-01") === phase,
    ]),
  ),
  "move-begun": (rows) => moves(rows).some((row) => isNull(row, "outcome")),
  "move-ended": (rows) => moves(rows).some((row) => text(row, "outcome") === "done"),
  held: (rows) => ofKind(rows, "hook").length > 0,
  closed: (rows) => ofKind(rows, "session").some((row) => !isNull(row, "closed_at")),
};

/** A cloud whose heartbeats and moves take seconds. */
export const startingCloud = (): ReturnType<typeof cloudOf> => ({
  ...cloudOf({ hosts: 3, instances: 4 }),
  timing: { heartbeat_ms: 2_000, service_down_ms: 60_000 },
});

/** The cloud as it is now, to begin another one with. */
export const cloudNow = ({ world }: Simulator): CloudSpec => {
  const spec = startingCloud();
  const instances = new Map([...world.instances.values()].map((one) => [one.name, one]));
  return {
    ...spec,
    hosts: spec.hosts.map((host) => {
      const { disabled_reason = null } = world.hosts.get(host.name) ?? {};
      return disabled_reason === null ? host : { ...host, disabled_reason };
    }),
    instances: spec.instances.map((one) => ({
      ...one,
      host: instances.get(one.name)?.host ?? "",
    })),
  };
};

/** Ids of everything in the cloud that rows may name. */
export const idsIn = ({ world }: Simulator): Record<string, string> =>
  Object.fromEntries([
    ...[...world.hosts.values()].flatMap(({ name, service_id, node_id }) => [
      [`${name} service`, service_id],
      [`${name} provider`, node_id],
    ]),
    ...[...world.instances.values()].map(({ name, id }) => [`instance ${name}`, id]),
    ...world.projects.map(({ name, id }) => [`project ${name}`, id]),
    ...world.groups.map(({ name, project_id, id }) => [
      `group ${name} of ${world.projects.find((one) => one.id === project_id)?.name}`,
      id,
    ]),
  ]);

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/**
 * The rows of a recorded moment as if they had been written just now, of a cloud with these ids.
 *
 * @param now ms since the epoch
 */
export const rowsAsOf = (
  { recorded_at, ids, rows }: Moment,
  now: number,
  idsNow: Readonly<Record<string, string>>,
): RawRow[] => {
  const age = now - Date.parse(recorded_at);
  const shifted = JSON.stringify(rows).replace(INSTANT, (at) =>
    new Date(Date.parse(at) + age).toISOString(),
  );
  const renamed = Object.entries(ids).reduce(
    (all, [name, id]) => all.replaceAll(id, idsNow[name] ?? id),
    shifted,
  );
  return JSON.parse(renamed) as RawRow[];
};

/** The same moment of another session, whose runs have other ids: executions are named by them. */
export const ofAnotherSession = (moment: Moment): Moment => {
  const runIds = ofKind(moment.rows, "run").map((row) => String(text(row, "run_id")));
  const renamed = [...new Set([moment.session_id, ...runIds])].reduce(
    (all, id) => all.replaceAll(id, crypto.randomUUID()),
    JSON.stringify(moment),
  );
  return JSON.parse(renamed) as Moment;
};

/** A recorded moment of rows of one schema: its first line says what it is, each other is a row. */
export const readMoment = (schema: number, name: string): Moment => {
  const file = new URL(`schema-${schema}/${name}.jsonl`, import.meta.url);
  const [head, ...rows] = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { ...head, rows };
};
