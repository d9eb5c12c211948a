import { type HostRun, isActive } from "../host-run.ts";
import { secondsUntil } from "../instant.ts";
import { LONGEST_WAIT_SECONDS } from "../run.ts";
import type { Session } from "../session.ts";
import { hostsToStart } from "./dispatch.ts";

/** What a session does next; the names are those that session.asl.json routes on. */
export type SessionStep =
  | { readonly next: "preflight" | "claim" | "close" | "ended" }
  | { readonly next: "dispatch"; readonly hosts: readonly HostRun[] }
  | { readonly next: "await"; readonly seconds: number };

/** How long a session that wants nothing but news sleeps; `drive` wakes it long before. */
const QUIET_SECONDS = 600;

/**
 * Decides the next step of a session from its row and the rows of its hosts.
 *
 * Pre-flight runs at once, so that whoever asked learns early; hosts are claimed only at
 * `maintenance_at`, so that a session planned for next month holds nothing today. An aborting
 * session starts nothing and closes when its active hosts have ended.
 */
export const nextStep = (session: Session, runs: readonly HostRun[], now: string): SessionStep => {
  if (session.closed_at !== null) return { next: "ended" };
  if (session.control === "aborting" || isBlocked(session))
    return runs.some(isActive) ? { next: "await", seconds: QUIET_SECONDS } : { next: "close" };
  return session.claimed_at === null ? beforeClaim(session, now) : afterClaim(session, runs, now);
};

const beforeClaim = (session: Session, now: string): SessionStep => {
  if (session.preflight_at === null) return { next: "preflight" };
  if (isOver(session, now)) return { next: "close" };
  const wait = secondsUntil(now, session.maintenance_at);
  return wait > 0
    ? { next: "await", seconds: Math.min(wait, LONGEST_WAIT_SECONDS) }
    : { next: "claim" };
};

const afterClaim = (session: Session, runs: readonly HostRun[], now: string): SessionStep => {
  const over = isOver(session, now);
  const hosts = over ? [] : hostsToStart(session, runs);
  if (hosts.length > 0) return { next: "dispatch", hosts };
  const waiting = runs.some(({ phase }) => phase === "WAITING");
  if (runs.some(isActive) || (waiting && !over)) return { next: "await", seconds: QUIET_SECONDS };
  return { next: "close" };
};

const isOver = (session: Session, now: string): boolean =>
  session.ends_at !== null && now >= session.ends_at;

/** Whether pre-flight found something that only a changed request or cloud can cure. */
const isBlocked = (session: Session): boolean =>
  session.claimed_at === null && session.attention.some(({ code }) => code === "preflight_blocked");
