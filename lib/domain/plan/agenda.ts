import * as z from "zod";
import type { HostRun } from "../host-run.ts";
import { later } from "../instant.ts";
import { awaitsTurn } from "./canary.ts";
import type { Cluster } from "./cluster.ts";
import { takesPlace } from "./places.ts";
import type { Plan, PlanEvent } from "./timeline.ts";

/** The turn of one host, as the plan has it. */
const turnSchema = z.object({
  host: z.string(),
  /** So many hosts of the session are done before it is opened, counted from when the plan was made. */
  after: z.int(),
  /** When it is opened, in seconds from then. */
  opens_in: z.number(),
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
  /** When the last try to make one began; from then on its price is counted. */
  tried_at: z.string(),
  /** What the last one that was made took, in seconds. */
  took_seconds: z.number(),
  /** When the plan was made whose order this is; null = none was, and hosts are taken by name. */
  made_at: z.string().nullable(),
  turns: z.array(turnSchema),
  /** Of so many turns, from the first, it is kept where their instances go. */
  ahead: z.int(),
  /** When all hosts are done, by the plan. */
  ends_at: z.string().nullable(),
  /** When an instance last went elsewhere than planned. */
  strayed_at: z.string().nullable(),
  /** Why the last try came to nothing; null when it did not, or is under way. */
  failed: z.string().nullable(),
});
export type Agenda = z.infer<typeof agendaSchema>;

/** Where the instances of one host go, in the order in which they leave. */
export type Ways = {
  readonly host: string;
  readonly moves: readonly { readonly instance_id: string; readonly to: string }[];
};

/** A planner may take one twentieth of the time, and a minute lies between two plans. */
const PRICE = 20;
const REST_SECONDS = 60;

/** In so long the cloud may have changed without anybody telling. */
const OLD_SECONDS = 900;

/**
 * Whether the session should be planned anew before its next host begins: it has no plan yet, or
 * something went otherwise than planned, or the plan is old, or where the next instances go is not
 * known. However much happens, planning takes no more than its share of the time. One host alone
 * needs no order.
 */
export const needsAgenda = (
  agenda: Agenda | null,
  runs: readonly HostRun[],
  now: string,
): boolean => {
  const waiting = runs.filter(awaitsTurn);
  if (waiting.length + runs.filter(takesPlace).length < 2) return false;
  if (agenda === null) return true;
  if (now < later(agenda.tried_at, Math.max(REST_SECONDS, PRICE * agenda.took_seconds)))
    return false;
  if (now >= later(agenda.tried_at, OLD_SECONDS)) return true;
  return agenda.made_at !== null && wentOtherwise(agenda, agenda.made_at, runs, now);
};

const wentOtherwise = (
  agenda: Agenda,
  since: string,
  runs: readonly HostRun[],
  now: string,
): boolean => {
  const known = new Map(agenda.turns.map((turn, place) => [turn.host, { ...turn, place }]));
  const isAfter = (at: string | null) => at !== null && at > since;
  return (
    isAfter(agenda.strayed_at) ||
    runs.some((run) => isAfter(run.yielded_at) || (isAfter(run.finished_at) && !isDone(run))) ||
    runs.filter(awaitsTurn).some((run) => {
      const turn = known.get(run.host);
      return turn === undefined || turn.place >= agenda.ahead || isOverdue(turn, since, now);
    })
  );
};

const isDone = ({ outcome }: HostRun): boolean => outcome === "maintained" || outcome === "retired";

/** Half as much again as planned, and ten minutes. */
const isOverdue = ({ opens_in }: Turn, since: string, now: string): boolean =>
  now >= later(since, 1.5 * opens_in + 600);

/** How a session takes its hosts: by the agenda, and without one by name. */
export type Order = {
  readonly compare: (a: HostRun, b: HostRun) => number;
  /** Whether by the plan others are to be done before the host is begun, and the plan is not overdue. */
  readonly isEarly: (run: HostRun) => boolean;
};

export const orderBy = (agenda: Agenda | null, runs: readonly HostRun[], now: string): Order => {
  const since = agenda?.made_at ?? null;
  const turns = since === null ? [] : (agenda?.turns ?? []);
  const known = new Map(turns.map((turn, place) => [turn.host, { ...turn, place }]));
  const placeOf = ({ host }: HostRun) => known.get(host)?.place ?? turns.length;
  const done = runs.filter((run) => isDone(run) && (run.finished_at ?? "") > (since ?? "")).length;
  return {
    compare: (a, b) => placeOf(a) - placeOf(b) || (a.host < b.host ? -1 : 1),
    isEarly: ({ host }) => {
      const turn = known.get(host);
      if (since === null || turn === undefined) return false;
      return done < turn.after && !isOverdue(turn, since, now);
    },
  };
};

type Making = { readonly sessionId: string; readonly now: string };

/** The agenda while a plan is made: that of before, which still holds if its making comes to nothing. */
export const beginAgenda = (before: Agenda | null, { sessionId, now }: Making): Agenda => ({
  schema: 1,
  session_id: sessionId,
  took_seconds: 0,
  made_at: null,
  turns: [],
  ahead: 0,
  ends_at: null,
  strayed_at: null,
  ...before,
  tried_at: now,
  failed: null,
});

/** Hosts at most of which it is kept where their instances go, besides those that are at work. */
const MOST_AHEAD = 100;

/**
 * The agenda of a plan whose t = 0 is `now`. Hosts that the plan cannot maintain come last, when all
 * others are done.
 */
export const agendaOf = (
  { timeline, makespan_seconds }: Plan,
  { hosts, instances }: Cluster,
  begun: Agenda,
  { now, tookSeconds }: { readonly now: string; readonly tookSeconds: number },
): { readonly agenda: Agenda; readonly ways: readonly Ways[] } => {
  const nameOf = (host: number) => hosts[host]?.name ?? "";
  const opened = turnsIn(timeline, nameOf);
  const names = new Set(opened.map(({ host }) => host));
  const last = {
    after: timeline.filter(({ event }) => event === "work_end").length,
    opens_in: makespan_seconds,
  };
  const left = hosts.filter(({ name, job }) => job === "waiting" && !names.has(name));
  const turns = [...opened, ...left.map(({ name }) => ({ host: name, ...last }))];
  const ahead = Math.min(turns.length, MOST_AHEAD);
  const soon = new Set([
    ...turns.slice(0, ahead).map(({ host }) => host),
    ...hosts.filter(({ job }) => job === "emptying").map(({ name }) => name),
  ]);
  return {
    agenda: {
      ...begun,
      made_at: now,
      took_seconds: tookSeconds,
      turns,
      ahead,
      ends_at: later(now, Math.round(makespan_seconds)),
      strayed_at: null,
    },
    ways: waysFrom(timeline, soon, nameOf, (instance) => instances[instance]?.id ?? ""),
  };
};

/** The hosts that are opened for good, in this order. */
const turnsIn = (timeline: readonly PlanEvent[], nameOf: (host: number) => string): Turn[] => {
  const turns = new Map<number, Turn>();
  let after = 0;
  for (const event of timeline) {
    if (event.event === "work_end") after += 1;
    if (event.event === "host_close") turns.delete(event.host);
    if (event.event === "host_open")
      turns.set(event.host, { host: nameOf(event.host), after, opens_in: event.t });
  }
  return [...turns.values()];
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
