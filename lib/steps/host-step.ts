import { ConflictError, FrozenError } from "../domain/errors.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { givingBack, type HostRun, isBeforeWork, type Phase } from "../domain/host-run.ts";
import { isWornOut, type RunRef } from "../domain/run.ts";
import type { Session } from "../domain/session.ts";
import {
  goingOn,
  type Standstill,
  standstillOf,
  stopped,
  waitingForCloud,
  waitingForThaw,
} from "../domain/standstill.ts";
import { step } from "../lambda/step.ts";
import { cloudIsUnwell, lookAtCloud } from "./cloud-watch.ts";
import { type Engine, openEngine } from "./engine.ts";
import { leaveOwners } from "./leave-owners.ts";
import { endIfSuperseded, SUPERSEDED } from "./superseded.ts";

/** What a step works with: the host as stored, its session, and everything it may reach. */
export type HostContext = Engine & {
  readonly ref: RunRef;
  readonly now: string;
  readonly session: Session;
  readonly run: HostRun;
  /** Why nothing may be begun now; only a step that `watches` ever sees one. */
  readonly standstill: Standstill | null;
  /** Stores a state on the way, so that a later try of this step finds it. */
  readonly save: (run: HostRun, events?: readonly DomainEvent[]) => Promise<HostRun>;
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
  /** The step has something to look after, also while nothing may be begun or all is aborted. */
  readonly watches?: boolean;
};

/**
 * The frame of every step of a host run. It takes the step's turn under the live generation,
 * reads the wake count before the world, goes where the row says when the row is elsewhere (a
 * run that died went on), gives the host back when its session is aborted before any work was
 * done, stands still while the session is paused, the cloud frozen or unwell, and stores what the
 * step found.
 */
export const hostStep = (
  phase: Phase,
  find: (context: HostContext) => Promise<HostFinding>,
  { watches = false }: Options = {},
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
    const readRun = () => engine.hostRuns.get(live.session_id, live.host ?? "");
    const [session, run] = await Promise.all([engine.sessions.get(live.session_id), readRun()]);
    const goTo = (next: HostRun): Route => ({ phase: next.phase, wait: "none", seconds: 0, seq });
    if (run.phase !== phase) return goTo(run);

    let stored = run;
    const store = async (next: HostRun, events: readonly DomainEvent[] = []): Promise<HostRun> => {
      if (hasEnded(next)) await leaveOwners({ ...engine, ref, session, run: next, now });
      await engine.hostRuns.save(ref, next, { events, from: stored, end: hasEnded(next) });
      stored = next;
      return next;
    };
    const standStill = async ({ why, wait, seconds }: Standstill): Promise<Route> => {
      const next = stopped(stored, why, now);
      if (next !== stored) await store(next);
      return { phase, wait, seconds, seq };
    };
    const act = async (): Promise<Route> => {
      if (!watches && session.control === "aborting" && isBeforeWork(run))
        return goTo(await store(givingBack(goingOn(run, now), now, "the session was aborted")));
      await lookAtCloud(engine, run.host, now);
      const brakes = {
        session,
        freeze: await engine.freeze.get(),
        cloud: { why: await engine.health.why() },
      };
      const standstill = standstillOf(brakes, phase);
      if (standstill !== null && !watches) return standStill(standstill);
      // Whoever gets this far is out of trouble, unless the step finds it again.
      const clocked = standstill === null ? goingOn(run, now) : stopped(run, standstill.why, now);
      const calm = { ...clocked, trouble: null };
      const context = { ...engine, ref, now, session, run: calm, standstill, save: store };
      const { run: next, wait = "none", seconds = 0, events = [] } = await find(context);
      await store(next, events);
      return { phase: next.phase, wait, seconds: Math.min(seconds, QUIET_SECONDS), seq };
    };

    try {
      return await act();
    } catch (error) {
      // Somebody with a right to it, an admin or the session, has put the host elsewhere.
      if (error instanceof ConflictError) return goTo(await readRun());
      if (error instanceof FrozenError) return standStill(waitingForThaw(error.message));
      const why = await cloudIsUnwell(engine, error, { host: run.host, now });
      if (why === null) throw error;
      return standStill(waitingForCloud(why));
    }
  };

  return step(({ ref, now }) => takeTurn(ref, now).catch(endIfSuperseded));
};

/** Whether the host's run has nothing more to do: it is over, or waits for its turn again. */
const hasEnded = ({ phase }: HostRun): boolean => phase === "FINISHED" || phase === "WAITING";
