import { SupersededError } from "../domain/errors.ts";
import { maintenanceSession } from "../domain/events/maintenance-session.ts";
import type { HostRun } from "../domain/host-run.ts";
import { type Standstill, withBrakes } from "../domain/plan/brakes.ts";
import { deriveState, percentDone } from "../domain/progress.ts";
import { isWornOut, type RunRef } from "../domain/run.ts";
import { type Attention, isTrouble, type Session } from "../domain/session.ts";
import { step } from "../lambda/step.ts";
import { type Engine, openEngine } from "./engine.ts";

/** What a step of a session works with: the session and its hosts as stored. */
export type SessionContext = Engine & {
  readonly ref: RunRef;
  readonly now: string;
  readonly seq: number;
  readonly session: Session;
  readonly hosts: readonly HostRun[];
};

/**
 * The frame of every step of a session: it takes the step's turn under the live generation and
 * reads the wake count before the world.
 *
 * @returns what the step found, or `next: "ended"` when another generation has taken over
 */
export const sessionStep = <Output extends object>(
  find: (context: SessionContext) => Promise<Output>,
) => {
  const engine = openEngine();

  const takeTurn = async (of: RunRef, now: string) => {
    const live = await engine.runs.heartbeat(of, now);
    const ref = { ...of, turn: live.rounds };
    if (isWornOut(live)) {
      await engine.runs.supersede(ref, now);
      return { next: "ended" } as const;
    }
    const seq = await engine.runs.readSeq(ref.run_id);
    // The session first: a host that is started again changes both, and must not be overlooked.
    const session = await engine.sessions.get(live.session_id);
    const hosts = await engine.hostRuns.list(live.session_id);
    return find({ ...engine, ref, now, seq, session, hosts });
  };

  return step(({ ref, now }) => takeTurn(ref, now).catch(endedIfSuperseded));
};

/** Being superseded is something a step finds, not a failure: the other generation goes on. */
export const endedIfSuperseded = (error: unknown): { readonly next: "ended" } => {
  if (error instanceof SupersededError) return { next: "ended" };
  throw error;
};

/** The session changed in some fields, with its state derived anew and the event that tells of it. */
export const changed = (
  session: Session,
  fields: Partial<Session>,
  hosts: readonly HostRun[],
  now: string,
) => {
  const draft = { ...session, ...fields };
  const state = deriveState(draft, hosts);
  const next: Session = {
    ...draft,
    state,
    prev_state: state === session.state ? session.prev_state : session.state,
    updated_at: now,
    sequence: session.sequence + 1,
  };
  return { next, event: maintenanceSession(next, percentDone(next, hosts), now) };
};

/**
 * Changes the session as `decide` says from its newest state, with its state derived anew; writes
 * nothing when nothing changes.
 *
 * @returns the session as it is then
 */
export const update = async (
  { sessions, ref, now, session, hosts }: SessionContext,
  decide: (seen: Session) => Session,
): Promise<Session> => {
  const decided = (seen: Session) => {
    const next = decide(seen);
    return deriveState(next, hosts) === seen.state && JSON.stringify(next) === JSON.stringify(seen)
      ? null
      : changed(seen, next, hosts, now);
  };
  return decided(session) === null ? session : sessions.changeAs(ref, decided);
};

/**
 * The session with these brakes told in place of those before. Whoever gets as far as to wait in
 * peace is out of trouble: each step that failed has worked since.
 */
export const withFindings = (session: Session, brakes: readonly Attention[]): Session => ({
  ...session,
  attention: withBrakes(session.attention, brakes).filter((item) => !isTrouble(item)),
});

/** Why nothing may be begun in the whole cloud now, as somebody ordered or found; null when it may. */
export const standstillOf = async ({
  freeze,
  health,
}: Pick<Engine, "freeze" | "health">): Promise<Standstill | null> => {
  const [order, why] = await Promise.all([freeze.get(), health.why()]);
  if (order?.frozen) return { code: "frozen", why: order.reason };
  return why === null ? null : { code: "waiting_cloud", why };
};

/** The list with this finding in it once, since when it was first found. */
export const withAttention = (attention: readonly Attention[], finding: Attention): Attention[] => {
  const same = (other: Attention) =>
    other.code === finding.code &&
    other.host === finding.host &&
    other.instance === finding.instance;
  const before = attention.find(same);
  return [
    ...attention.filter((other) => !same(other)),
    { ...finding, since: before?.since ?? finding.since },
  ];
};
