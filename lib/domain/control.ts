import { ConflictError, ForbiddenError } from "./errors.ts";
import type { HostRun } from "./host-run.ts";
import type { Move } from "./move.ts";
import { controlOf, isClosed, type Session } from "./session.ts";

/** Who orders something, when, and in what words. */
export type Order = { readonly by: string; readonly at: string; readonly reason: string };

/** The session after an order; its event carries the new sequence. */
const ordered = (session: Session, fields: Partial<Session>, at: string): Session => {
  const draft = { ...session, ...fields };
  return { ...draft, control: controlOf(draft), updated_at: at, sequence: session.sequence + 1 };
};

const mustBeOpen = (session: Session, what: string): void => {
  if (isClosed(session))
    throw new ConflictError(
      `maintenance session ${session.session_id} is over since ${session.closed_at}; it cannot be ${what}`,
    );
};

const mustNotBeAborted = ({ session_id, aborted, control }: Session, what: string): void => {
  if (control === "aborting")
    throw new ConflictError(
      `maintenance session ${session_id} was aborted by ${aborted?.by}; it cannot be ${what}`,
    );
};

/**
 * The session paused by this person: nothing new is begun in it. Each person has one hold, and may
 * give it a new reason.
 *
 * @returns null when nothing changes
 * @throws ConflictError when the session is over or aborted
 */
export const pause = (session: Session, { by, at, reason }: Order): Session | null => {
  mustBeOpen(session, "paused");
  mustNotBeAborted(session, "paused");
  const before = session.holds.find((hold) => hold.code === "operator" && hold.by === by);
  if (before?.reason === reason) return null;
  const hold = { code: "operator", by, at: before?.at ?? at, reason } as const;
  const holds = [...session.holds.filter((other) => other !== before), hold];
  return ordered(session, { holds }, at);
};

/**
 * The session without any hold, the breaker's included: what went wrong until now does not count
 * against it again.
 *
 * @returns null when it is not paused
 * @throws ConflictError when the session is over or aborted
 */
export const resume = (session: Session, { at }: Order): Session | null => {
  mustBeOpen(session, "resumed");
  mustNotBeAborted(session, "resumed");
  return session.holds.length === 0 ? null : ordered(session, { holds: [], resumed_at: at }, at);
};

/**
 * The session aborted, for good: hosts whose work has not begun are given back.
 *
 * @returns null when it was aborted before: the first order stands
 * @throws ConflictError when it ended without
 */
export const abort = (session: Session, { by, at, reason }: Order): Session | null => {
  if (session.aborted !== null) return null;
  mustBeOpen(session, "aborted");
  return ordered(session, { aborted: { by, at, reason } }, at);
};

/** The session no longer listed once it is over, and aborted while it is not; null = it is so already. */
export const hide = (session: Session, { by, at, reason }: Order): Session | null => {
  if (session.hidden_at !== null) return null;
  const aborted = isClosed(session) ? session.aborted : (session.aborted ?? { by, at, reason });
  return ordered(session, { aborted, hidden_at: at }, at);
};

/**
 * The session in which the word of a project is set aside: its instances are moved live, whatever it
 * says or does not say, and nobody has to look at its refusal any more. It takes somebody else than who opened the session.
 *
 * @returns null when it was set aside before: the first order stands
 * @throws ForbiddenError to who opened the session
 * @throws ConflictError when the session is over or aborted
 */
export const override =
  (projectId: string) =>
  (session: Session, { by, at, reason }: Order): Session | null => {
    const what = `made to go on without the word of project ${projectId}`;
    mustBeOpen(session, what);
    mustNotBeAborted(session, what);
    if (by === session.created_by)
      throw new ForbiddenError(
        `${by} opened the session; it takes a second admin to override a project`,
      );
    if (session.overrides.some(({ project_id }) => project_id === projectId)) return null;
    const overrides = [...session.overrides, { project_id: projectId, by, at, reason }];
    const attention = session.attention.filter(
      ({ code, project_id }) => code !== "project_refused" || project_id !== projectId,
    );
    return ordered(session, { overrides, attention }, at);
  };

/**
 * The session in which the instances that are stuck on a host are tried anew: the host's run
 * forgets what was refused, tried, vetoed and stalled before.
 *
 * @throws ConflictError when the session is over or aborted
 */
export const retryMoves = (session: Session, host: string, { at }: Order): Session => {
  const what = `asked to try the instances on ${host} anew`;
  mustBeOpen(session, what);
  mustNotBeAborted(session, what);
  return ordered(session, { retried: { ...session.retried, [host]: at } }, at);
};

/** What stays changed in the cloud although the session was aborted, in words for whoever aborts. */
export const staysChanged = (
  session: Session,
  hosts: readonly HostRun[],
  moves: readonly Move[],
): string[] =>
  session.hosts.flatMap((host) => {
    const run = hosts.find((other) => other.host === host);
    const left = moves.filter((move) => move.host === host);
    return [...hostStays(run), ...instancesStay(host, left)];
  });

const hostStays = (run: HostRun | undefined): string[] => {
  if (run?.outcome === "retired") return [`${run.host} is retired: its compute service is deleted`];
  if (run?.phase === "FINISHED" && run.outcome === "failed")
    return [`${run.host} stays disabled and silenced until it is released`];
  if (run?.phase === "IN_MAINTENANCE" && run.actions.some(({ state }) => state !== "PENDING"))
    return [
      `${run.host} is in work; what runs there ends, then it stays disabled until it is released`,
    ];
  return [];
};

const instancesStay = (host: string, moves: readonly Move[]): string[] => {
  const moved = moves.filter(({ state }) => state === "moved");
  const offloaded = moved.filter(({ action }) => action === "OFFLOAD").length;
  const elsewhere = moved.length - offloaded;
  const moving = moves.filter(({ state }) => state === "moving").length;
  const words: string[] = [];
  if (elsewhere > 0)
    words.push(`${instances(elsewhere)} moved away from ${host} and not moved back`);
  if (offloaded > 0) words.push(`${instances(offloaded)} of ${host} shelved and offloaded`);
  if (moving > 0)
    words.push(`${instances(moving)} on the way from ${host}, which is seen to its end`);
  return words;
};

const instances = (count: number): string => (count === 1 ? "1 instance" : `${count} instances`);
