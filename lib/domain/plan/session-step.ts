import { type HostRun, isActive } from "../host-run.ts";
import { later, secondsUntil } from "../instant.ts";
import { LONGEST_WAIT_SECONDS } from "../run.ts";
import { type Attention, isBlocked, type Session } from "../session.ts";
import { fitsInto, nextBoundary, secondsPerHost, windowsAt } from "../windows.ts";
import { type Agenda, needsAgenda, orderBy } from "./agenda.ts";
import {
  belowReserve,
  onTrial,
  roomUnknown,
  type Standstill,
  standingStill,
  windowOver,
} from "./brakes.ts";
import { awaitsTurn, modelsOnTrial, soakedAt } from "./canary.ts";
import { selectHosts } from "./dispatch.ts";
import type { Guard, Shortage } from "./reserve.ts";

/** What a session does next; the names are those that session.asl.json routes on. */
export type SessionStep =
  | { readonly next: "preflight" | "ask" | "claim" | "order" | "close" | "ended" }
  | {
      readonly next: "dispatch";
      readonly start: readonly HostRun[];
      /** To be disabled early, and to wait for their turn. */
      readonly cordon: readonly HostRun[];
      readonly seconds: number;
      readonly brakes: readonly Attention[];
    }
  | {
      readonly next: "await";
      readonly seconds: number;
      readonly brakes: readonly Attention[];
      /** Zones in which a host would start if they had more room. */
      readonly shortages?: readonly Shortage[];
      /** Hosts that would start, if anybody knew what they hold. */
      readonly unknown?: readonly string[];
    };

/** What was found outside the rows of the session and its hosts. */
export type Circumstances = {
  readonly standstill?: Standstill | null;
  /** Holds the reserve of each zone; null = nobody has asked Placement, so all seems to fit. */
  readonly guard?: Guard | null;
  /** The plan that it follows; null = there is none yet, absent = none is wanted. */
  readonly agenda?: Agenda | null;
  /** Hosts that cannot be emptied now. */
  readonly misfits?: ReadonlySet<string>;
  /** Whether the nova-compute of a host is known not to be up. */
  readonly isDown?: (host: string) => boolean;
};

/** How long a session that wants nothing but news sleeps; `drive` wakes it long before. */
const QUIET_SECONDS = 600;
/** How soon a session looks again at what nobody tells it of: free room, an instance on a canary. */
const LOOK_SECONDS = 60;
/** How soon a session looks again whether the cloud is well. */
const UNWELL_SECONDS = 15;

/**
 * Decides the next step of a session from its row and the rows of its hosts.
 *
 * Pre-flight runs at once, so that whoever asked learns early, and the projects after it; hosts are claimed only when the
 * first window opens, so that a session planned for next month holds nothing today. A paused
 * session starts nothing and ends only by an order; an aborting one closes when its active hosts
 * have ended. It waits with `brakes` that say what holds it.
 */
export const nextStep = (
  session: Session,
  runs: readonly HostRun[],
  now: string,
  circumstances: Circumstances = {},
): SessionStep => {
  if (session.closed_at !== null) return { next: "ended" };
  if (session.control === "aborting" || isBlocked(session))
    return runs.some(isActive)
      ? waiting(QUIET_SECONDS, stillBy(circumstances, now))
      : ending(session);
  if (session.claimed_at === null && session.preflight_at === null) return { next: "preflight" };
  if (session.asking !== null) return { next: "ask" };
  if (session.control === "paused") return waiting(QUIET_SECONDS);
  return session.claimed_at === null
    ? beforeClaim(session, now)
    : afterClaim(session, runs, now, circumstances);
};

const stillBy = ({ standstill = null }: Circumstances, now: string): Attention[] =>
  standstill === null ? [] : standingStill(standstill, now);

const waiting = (
  seconds: number,
  brakes: readonly Attention[] = [],
): Extract<SessionStep, { next: "await" }> => ({
  next: "await",
  seconds: Math.max(1, Math.min(seconds, LONGEST_WAIT_SECONDS)),
  brakes,
});

/** Whoever was told that it will be is told that it is over, before it ends. */
const ending = ({ announced_at, completed_at }: Session): SessionStep => ({
  next: announced_at !== null && completed_at === null ? "ask" : "close",
});

const beforeClaim = (session: Session, now: string): SessionStep => {
  const { open, next } = windowsAt(session, now);
  if (open === null && next === null) return ending(session);
  if (session.announced_at === null) return { next: "ask" };
  return next === null || open !== null
    ? { next: "claim" }
    : waiting(secondsUntil(now, next.starts_at));
};

const afterClaim = (
  session: Session,
  runs: readonly HostRun[],
  now: string,
  circumstances: Circumstances,
): SessionStep => {
  const { standstill = null } = circumstances;
  const still = stillBy(circumstances, now);
  const atWork = runs.some(isActive);
  if (!runs.some(awaitsTurn)) return atWork ? waiting(QUIET_SECONDS, still) : ending(session);
  const { open, next } = windowsAt(session, now);
  if (open === null || !fitsInto(open, secondsPerHost(session, runs), now)) {
    if (next === null && !atWork) return ending(session);
    const boundary = secondsUntil(now, nextBoundary(session, now) ?? later(now, QUIET_SECONDS));
    const seconds = atWork ? Math.min(QUIET_SECONDS, boundary) : boundary;
    return waiting(seconds, [windowOver(next, now), ...still]);
  }
  if (standstill !== null)
    return waiting(standstill.code === "frozen" ? QUIET_SECONDS : UNWELL_SECONDS, still);
  return starting(session, runs, now, { ...circumstances, closes: open.ends_at });
};

const starting = (
  session: Session,
  runs: readonly HostRun[],
  now: string,
  {
    guard = null,
    misfits,
    isDown,
    agenda,
    closes,
  }: Circumstances & { readonly closes: string | null },
): SessionStep => {
  const trial = modelsOnTrial(session, runs, now, isDown);
  const { start, cordon, heldByTrial, shortages, unknown, early } = selectHosts(session, runs, {
    onTrial: trial,
    guard,
    order: orderBy(agenda ?? null, runs, now),
    ...(misfits && { misfits }),
  });
  const wanted = start.length + cordon.length;
  const next = [...start.map(({ host }) => host), ...(early === null ? [] : [early.host])];
  const isDue = wanted > 0 || early !== null;
  if (agenda !== undefined && isDue && needsAgenda(agenda, runs, next, now))
    return { next: "order" };
  const brakes = [
    ...heldByTrial.map((model) => onTrial(session, runs, model, now)),
    ...shortages.map((shortage) => belowReserve(session, shortage, now)),
    ...unknown.map((host) => roomUnknown(host, now)),
  ];
  const dates = [
    closes,
    early?.until ?? null,
    ...session.canaries.map((canary) => soakedAt(canary, session)),
  ];
  const seconds = Math.min(
    brakes.length > 0 ? LOOK_SECONDS : QUIET_SECONDS,
    ...dates.filter((at) => at !== null && at > now).map((at) => secondsUntil(now, at ?? now)),
  );
  return wanted > 0
    ? { next: "dispatch", start, cordon, seconds, brakes }
    : { ...waiting(seconds, brakes), shortages, unknown };
};
