import * as z from "zod";
import type { HostRun } from "../host-run.ts";
import { later } from "../instant.ts";
import { isMaintained } from "../progress.ts";
import { awaitsTurn } from "./canary.ts";
import type { Cluster } from "./cluster.ts";
import { takesPlace } from "./places.ts";
import type { Plan, PlanEvent } from "./timeline.ts";

/** The turn of one host, as the plan has it. */
const turnSchema = z.object({
  host: z.string(),
  /** So many hosts of the session are done before it is begun, all that were done before counted. */
  after: z.int(),
  /** From then on it waits for no others. */
  begin_by: z.string(),
});
type Turn = z.infer<typeof turnSchema>;

/**
 * What a session follows of its plan: in which order it takes the hosts that wait. Where the
 * instances of the next ones go is kept beside it, host by host. Nothing of it binds: the session's
 * brakes, Placement and Nova decide what may be begun, the agenda only what is best begun next.
 */
export const agendaSchema = z.object({
  schema: z.literal(1),
  session_id: z.string(),
  /** When the last try to make one began, and what it took, in seconds; null = it has not ended. */
  tried_at: z.string(),
  took_seconds: z.number().nullable(),
  /** Why the last try came to nothing; null when it did not, or has not ended. */
  failed: z.string().nullable(),
  /** When the plan was made whose order this is; null = none was, and hosts are taken by name. */
  made_at: z.string().nullable(),
  turns: z.array(turnSchema),
  /** Of so many turns, from the first, it is kept where their instances go. */
  ahead: z.int(),
  /** When all hosts are done, by the plan. */
  ends_at: z.string().nullable(),
  /** When an instance last went elsewhere than planned; whoever moves it writes this. */
  strayed_at: z.string().nullable().default(null),
});
export type Agenda = z.infer<typeof agendaSchema>;

/** Where the instances of one host go. */
export type Ways = {
  readonly host: string;
  readonly moves: readonly { readonly instance_id: string; readonly to: string }[];
};

/** A planner may take one twentieth of the time, and a minute lies between two plans. */
const PRICE = 20;
const REST_SECONDS = 60;

/** In so long the cloud may have changed without anybody telling. */
const OLD_SECONDS = 900;

/** A step writes what it found under the instant of its beginning, up to so long after. */
const STEP_SECONDS = 70;

/** A try that has not ended so long after its beginning has died; until then there is no other. */
const DIED_SECONDS = 1800;

/**
 * Whether the session should be planned anew before these hosts begin: it has no plan yet, or
 * something went otherwise than planned, or the plan is old, or where their instances go is not
 * known. However much happens, and whatever becomes of a try, planning takes no more than its share
 * of the time, and hosts begin in between. One host alone needs no order.
 */
export const needsAgenda = (
  agenda: Agenda | null,
  runs: readonly HostRun[],
  next: readonly string[],
  now: string,
): boolean => {
  if (runs.filter((run) => awaitsTurn(run) || takesPlace(run)).length < 2) return false;
  if (agenda === null) return true;
  const { tried_at, took_seconds, made_at } = agenda;
  if (took_seconds === null) return now >= later(tried_at, DIED_SECONDS);
  const ended = later(tried_at, took_seconds);
  if (now < later(ended, Math.max(REST_SECONDS, PRICE * took_seconds))) return false;
  if (now >= later(ended, OLD_SECONDS)) return true;
  return made_at !== null && wentOtherwise(agenda, later(made_at, -STEP_SECONDS), runs, next);
};

const wentOtherwise = (
  { turns, ahead, strayed_at }: Agenda,
  since: string,
  runs: readonly HostRun[],
  next: readonly string[],
): boolean => {
  const known = new Set(turns.map(({ host }) => host));
  const isAfter = (at: string | null) => at !== null && at > since;
  return (
    isAfter(strayed_at) ||
    runs.some(
      (run) =>
        isAfter(run.yielded_at) ||
        (isAfter(run.finished_at) && !isDone(run)) ||
        (awaitsTurn(run) && !known.has(run.host)),
    ) ||
    turns.slice(ahead).some(({ host }) => next.includes(host))
  );
};

const isDone = (run: HostRun): boolean => run.phase === "FINISHED" && isMaintained(run);

const doneIn = (runs: readonly HostRun[]): number => runs.filter(isDone).length;

/** Until so many others are done, and at the latest until then. */
type Wait = { readonly others: number; readonly until: string };

/** How a session takes its hosts: by the agenda, and without one by name. */
export type Order = {
  readonly compare: (a: HostRun, b: HostRun) => number;
  /** For what the host is to wait by the plan; null = for nothing, or it has waited long enough. */
  readonly wait: (run: HostRun) => Wait | null;
};

export const orderBy = (agenda: Agenda | null, runs: readonly HostRun[], now: string): Order => {
  const turns = agenda?.turns ?? [];
  const known = new Map(turns.map((turn, place) => [turn.host, { ...turn, place }]));
  const placeOf = ({ host }: HostRun) => known.get(host)?.place ?? turns.length;
  const done = doneIn(runs);
  return {
    compare: (a, b) => placeOf(a) - placeOf(b) || (a.host < b.host ? -1 : 1),
    wait: ({ host }) => {
      const { after = 0, begin_by = now } = known.get(host) ?? {};
      return now >= begin_by || after <= done ? null : { others: after - done, until: begin_by };
    },
  };
};

type Making = { readonly sessionId: string; readonly now: string };

/** The agenda while a plan is made: that of before, which holds on if its making comes to nothing. */
export const beginAgenda = (before: Agenda | null, { sessionId, now }: Making): Agenda => ({
  schema: 1,
  session_id: sessionId,
  made_at: null,
  turns: [],
  ahead: 0,
  ends_at: null,
  strayed_at: null,
  ...before,
  tried_at: now,
  took_seconds: null,
  failed: null,
});

/** Hosts at most of which it is kept where their instances go, besides those that are at work. */
const MOST_AHEAD = 100;

/** A host waits for others no longer than half as much again as planned, and ten minutes. */
const longestWait = (seconds: number): number => 1.5 * seconds + 600;

type Made = {
  readonly begun: Agenda;
  /** The hosts of the session as they were when the plan was made. */
  readonly runs: readonly HostRun[];
  readonly now: string;
  readonly tookSeconds: number;
};

/**
 * The agenda of a plan whose t = 0 is `now`. Hosts that the plan does not maintain come last, when
 * all others are done. While anything is at work no host is put off any further than by the plan
 * before: what is at work may last for days.
 */
export const agendaOf = (
  { timeline, makespan_seconds }: Plan,
  { hosts, instances }: Cluster,
  { begun, runs, now, tookSeconds }: Made,
): { readonly agenda: Agenda; readonly ways: readonly Ways[] } => {
  const nameOf = (host: number) => hosts[host]?.name ?? "";
  const done = doneIn(runs);
  const before = new Map(
    runs.some(takesPlace) ? begun.turns.map(({ host, begin_by }) => [host, begin_by]) : [],
  );
  const turnOf = ({ host, after, opens_in }: Opening): Turn => {
    const planned = later(now, longestWait(opens_in));
    const [begin_by = planned] = [planned, before.get(host) ?? planned].toSorted();
    return { host, after: done + after, begin_by };
  };
  const openings = openingsIn(timeline, nameOf);
  const opened = new Set(openings.map(({ host }) => host));
  const left = runs.filter((run) => awaitsTurn(run) && !opened.has(run.host));
  const last = {
    after: timeline.filter(({ event }) => event === "work_end").length,
    opens_in: makespan_seconds,
  };
  const turns = [...openings, ...left.map(({ host }) => ({ host, ...last }))].map(turnOf);
  const ahead = Math.min(turns.length, MOST_AHEAD);
  const soon = new Set([
    ...turns.slice(0, ahead).map(({ host }) => host),
    ...hosts.filter(({ job }) => job === "emptying").map(({ name }) => name),
    // What was said of them before holds no longer.
    ...begun.turns.slice(0, begun.ahead).map(({ host }) => host),
  ]);
  return {
    agenda: {
      ...begun,
      took_seconds: tookSeconds,
      made_at: now,
      turns,
      ahead,
      ends_at: later(now, Math.round(makespan_seconds)),
    },
    ways: waysFrom(timeline, soon, nameOf, (instance) => instances[instance]?.id ?? ""),
  };
};

type Opening = { readonly host: string; readonly after: number; readonly opens_in: number };

/** The hosts that are opened for good, in this order. */
const openingsIn = (
  timeline: readonly PlanEvent[],
  nameOf: (host: number) => string,
): Opening[] => {
  const openings = new Map<number, Opening>();
  let after = 0;
  for (const event of timeline) {
    if (event.event === "work_end") after += 1;
    if (event.event === "host_close") openings.delete(event.host);
    if (event.event === "host_open")
      openings.set(event.host, { host: nameOf(event.host), after, opens_in: event.t });
  }
  return [...openings.values()];
};

const waysFrom = (
  timeline: readonly PlanEvent[],
  soon: ReadonlySet<string>,
  nameOf: (host: number) => string,
  idOf: (instance: number) => string,
): Ways[] => {
  const ways = new Map<string, { instance_id: string; to: string }[]>();
  for (const host of soon) ways.set(host, []);
  for (const event of timeline)
    if (event.event === "migrate_start")
      ways
        .get(nameOf(event.from))
        ?.push({ instance_id: idOf(event.instance), to: nameOf(event.to) });
  return [...ways].map(([host, moves]) => ({ host, moves }));
};
