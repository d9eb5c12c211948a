import type { DomainEvent } from "../domain/events/event.ts";
import { givingBack, type HostRun, isBeforeWork, type Phase } from "../domain/host-run.ts";
import { isWornOut, type RunRef } from "../domain/run.ts";
import type { Session } from "../domain/session.ts";
import { step } from "../lambda/step.ts";
import { type Engine, openEngine } from "./engine.ts";
import { endIfSuperseded, SUPERSEDED } from "./superseded.ts";

/** What a step works with: the host as stored, its session, and everything it may reach. */
export type HostContext = Engine & {
  readonly ref: RunRef;
  readonly now: string;
  readonly session: Session;
  readonly run: HostRun;
  /** Stores a state on the way, so that a later try of this step finds it. */
  readonly save: (run: HostRun) => Promise<HostRun>;
};

/** What a step found: the host's next state, and what the machine waits for before it goes on. */
export type HostFinding = {
  readonly run: HostRun;
  /** `poll` = look again after `seconds`; `change` = sleep until woken, at most `seconds`. */
  readonly wait?: "poll" | "change";
  readonly seconds?: number;
  readonly events?: readonly DomainEvent[];
};

/** What host.asl.json routes on. */
type Route = {
  readonly phase: Phase | "SUPERSEDED";
  readonly wait: "none" | "poll" | "change";
  readonly seconds: number;
  readonly seq: number;
};

/** Even a wake that nobody counted is made up for after this long. */
const QUIET_SECONDS = 600;

type Options = {
  /** The step itself knows how to end early when the session is aborted. */
  readonly abortsItself?: boolean;
};

/**
 * The frame of every step of a host run. It takes the step's turn under the live generation,
 * reads the wake count before the world, goes where the row says when the row is elsewhere (a
 * run that died went on), gives the host back when its session is aborted before any work was
 * done, and stores what the step found.
 */
export const hostStep = (
  phase: Phase,
  find: (context: HostContext) => Promise<HostFinding>,
  { abortsItself = false }: Options = {},
) => {
  const engine = openEngine();

  const takeTurn = async (of: RunRef, now: string): Promise<Route> => {
    const live = await engine.runs.heartbeat(of, now);
    const ref = { ...of, turn: live.rounds };
    if (isWornOut(live)) {
      await engine.runs.supersede(ref, now);
      return SUPERSEDED;
    }
    const seq = await engine.runs.readSeq(ref.run_id);
    const [session, run] = await Promise.all([
      engine.sessions.get(live.session_id),
      engine.hostRuns.get(live.session_id, live.host ?? ""),
    ]);
    const goTo = (next: HostRun): Route => ({ phase: next.phase, wait: "none", seconds: 0, seq });
    const save = async (next: HostRun) => {
      await engine.hostRuns.save(ref, next);
      return next;
    };
    if (run.phase !== phase) return goTo(run);
    if (!abortsItself && session.control === "aborting" && isBeforeWork(run))
      return goTo(await save(givingBack(run, now, "the session was aborted")));

    // Whoever gets this far is out of trouble, unless the step finds it again.
    const calm = { ...run, trouble: null };
    const found = await find({ ...engine, ref, now, session, run: calm, save });
    const { run: next, wait = "none", seconds = 0, events = [] } = found;
    await engine.hostRuns.save(ref, next, { events, end: next.phase === "FINISHED" });
    return { phase: next.phase, wait, seconds: Math.min(seconds, QUIET_SECONDS), seq };
  };

  return step(({ ref, now }) => takeTurn(ref, now).catch(endIfSuperseded));
};
