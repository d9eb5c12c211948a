import * as z from "zod";
import type { Ask, AskedState } from "./dialogue/ask.ts";
import { type HostRun, PHASES, type Phase } from "./host-run.ts";
import type { Move } from "./move.ts";
import type { Session } from "./session.ts";

/**
 * Id of a project as Keystone makes it (uuid4, which always has a 4): whatever has no digit is a
 * word of this API's paths, such as `detail`, and never a project.
 */
export const projectIdSchema = z.string().regex(/^(?=.*\d)[\w-]{1,64}$/);

/** What Nova tells a project instead of a host's name. */
export const hostIdSchema = z.string().regex(/^[0-9a-f]{56}$/);

/** How Nova's `hostId` of a host reads for the project that asks. */
export type HostIdOf = (host: string) => string;

/**
 * Fenix's state of the project in the session: what it was told or asked last. Sessions of before
 * there were asks concern a project from the moment its instances are about to move.
 */
const projectStateOf = (
  session: Session,
  moves: readonly Move[],
  asks: readonly Ask[],
): AskedState => {
  if (session.closed_at !== null || session.state === "MAINTENANCE_COMPLETE")
    return "MAINTENANCE_COMPLETE";
  const newest = asks.toSorted((a, b) => (a.asked_at < b.asked_at ? 1 : -1))[0];
  return newest?.state ?? (moves.length === 0 ? "MAINTENANCE" : "PLANNED_MAINTENANCE");
};

/** Whether the project may still answer it. */
const isOpen = ({ closed_at, expects_reply }: Ask): boolean => expects_reply && closed_at === null;

/**
 * The instances that the project's current state is about, as Fenix has them: those it is being
 * asked about, or all of its own in the session.
 *
 * @param all every instance of the project that the session has seen
 */
export const concernedBy = (asks: readonly Ask[], all: readonly string[]): string[] => {
  const asked = asks.filter(isOpen).flatMap(({ instance_ids }) => instance_ids);
  return [...new Set(asked.length > 0 ? asked : all)].toSorted();
};

/** What the project is asked and may still answer, the oldest first. */
export const openAsksOf = (asks: readonly Ask[]) =>
  asks
    .filter(isOpen)
    .toSorted((a, b) => (a.asked_at < b.asked_at ? -1 : 1))
    .map((ask) => ({
      state: ask.state,
      instance_ids: ask.instance_ids,
      allowed_actions: ask.allowed_actions,
      asked_at: ask.asked_at,
      reply_at: ask.reply_at,
      actions_at: ask.actions_at,
      missing: ask.missing,
      answer: ask.answer && {
        state: `${ask.answer.ack ? "ACK" : "NACK"}_${ask.state}`,
        at: ask.answer.at,
        instance_actions: ask.answer.actions,
        reason: ask.answer.reason,
        not_before: ask.answer.not_before,
      },
    }));

/** By when the project should answer what it has not answered yet; null = nothing waits for it. */
const replyDue = (asks: readonly Ask[]): string | null =>
  asks
    .filter((ask) => isOpen(ask) && ask.answer === null)
    .map(({ reply_at }) => reply_at)
    .toSorted()[0] ?? null;

const UNFINISHED: readonly Move["state"][] = ["waiting", "moving", "blocked"];

/** `unmoved` = it was not moved, and will not be any more: the session is over. */
const stateOf = (session: Session, { state }: Move): Move["state"] | "unmoved" =>
  session.closed_at !== null && UNFINISHED.includes(state) ? "unmoved" : state;

const isNewer = (one: Move, other: Move): boolean => {
  if ((one.finished_at === null) !== (other.finished_at === null)) return one.finished_at === null;
  return (one.finished_at ?? one.started_at ?? "") > (other.finished_at ?? other.started_at ?? "");
};

/** Of each instance what is last told of it, by id: it may have to leave one host after another. */
export const newestMoves = (moves: readonly Move[]): Move[] => {
  const newest = new Map<string, Move>();
  for (const move of moves) {
    const known = newest.get(move.instance_id);
    if (known === undefined || isNewer(move, known)) newest.set(move.instance_id, move);
  }
  return [...newest.values()].toSorted((a, b) => (a.instance_id < b.instance_id ? -1 : 1));
};

/**
 * A session in the list of a project. Everything here and below is picked field by field: what an
 * admin may write or Nova may say (reason, details, attention) can name a host.
 *
 * @param moves the project's own, like the asks
 */
export const projectSummaryOf = (
  session: Session,
  projectId: string,
  moves: readonly Move[],
  asks: readonly Ask[],
) => {
  const counts: Record<string, number> = {};
  for (const move of newestMoves(moves)) {
    const state = stateOf(session, move);
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return {
    session_id: session.session_id,
    state: projectStateOf(session, moves, asks),
    maintenance_at: session.maintenance_at,
    ends_at: session.ends_at,
    reply_at: replyDue(asks),
    instances_by_state: counts,
    /** When an admin set the project's word aside. */
    overridden_at: session.overrides.find(({ project_id }) => project_id === projectId)?.at ?? null,
    created_at: session.created_at,
  };
};

/** An instance as its project sees it; `hostId` is of the host that it has to leave, or has left. */
export const projectInstanceOf = (session: Session, move: Move, hostIdOf: HostIdOf) => ({
  instance_id: move.instance_id,
  instance_name: move.instance_name,
  action: move.action,
  state: stateOf(session, move),
  hostId: hostIdOf(move.host),
  started_at: move.started_at,
  finished_at: move.finished_at,
});

/** What happens to a host, in words that a project may hear. */
export type ProjectHostState =
  | "planned"
  | "moving_away"
  | "in_maintenance"
  /** It will not come back: its instances stay where they are. */
  | "retired"
  | "back";

const isBefore = (phase: Phase, other: Phase): boolean =>
  PHASES.indexOf(phase) < PHASES.indexOf(other);

/** A host that failed is no more in use than one in work; one given back without work is back. */
const projectHostState = ({ phase, outcome, waits_again }: HostRun): ProjectHostState => {
  if (isBefore(phase, "MOVING") || waits_again) return "planned";
  if (isBefore(phase, "IN_MAINTENANCE")) return "moving_away";
  if (outcome === "restored") return "back";
  if (isBefore(phase, "COMPLETING") || outcome === "failed") return "in_maintenance";
  return outcome === "retired" ? "retired" : "back";
};

const sinceOf = (run: HostRun, state: ProjectHostState): string => {
  switch (state) {
    case "moving_away":
      return run.started_at ?? run.phase_at;
    case "in_maintenance":
      return run.work_started_at ?? run.phase_at;
    default:
      return run.phase_at;
  }
};

/**
 * What happens to one host of the project, and to the project's instances on it.
 *
 * @param moves the project's own from that host
 */
export const projectHostOf = (
  session: Session,
  run: HostRun,
  moves: readonly Move[],
  hostIdOf: HostIdOf,
) => {
  const state = projectHostState(run);
  return {
    hostId: hostIdOf(run.host),
    state,
    since: sinceOf(run, state),
    session_id: session.session_id,
    maintenance_at: session.maintenance_at,
    ends_at: session.ends_at,
    instances: moves
      .map((move) => projectInstanceOf(session, move, hostIdOf))
      .toSorted((a, b) => (a.instance_id < b.instance_id ? -1 : 1)),
  };
};
