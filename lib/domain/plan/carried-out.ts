import { type HostRun, PHASES } from "../host-run.ts";
import type { Move } from "../move.ts";
import type { Operation } from "./operations.ts";

/** What became of an operation; `SKIPPED` = it is not done any more, because it was not needed or came to nothing. */
type OperationState = "PLANNED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "SKIPPED";

export type CarriedOut = {
  readonly state: OperationState;
  /** When it really began and ended, as far as it has. */
  readonly started_at: string | null;
  readonly finished_at: string | null;
  /** Where an instance really went. */
  readonly went_to: string | null;
};

/** What a session tells of one operation. */
type Facts = {
  readonly isClosed: boolean;
  /** Of the operation's host; undefined while the session has not claimed it. */
  readonly run: HostRun | undefined;
  /** Of the operation's instance away from that host; undefined while nobody has looked. */
  readonly move: Move | undefined;
};

/** Holds an operation against the rows of the session that the plan is of. */
export const carriedOut = (operation: Operation, facts: Facts): CarriedOut => {
  const done = judge(operation, facts);
  const isOff = done.state === "PLANNED" && facts.isClosed;
  return isOff ? { ...done, state: "SKIPPED" } : done;
};

const judge = ({ what }: Operation, { run, move }: Facts): CarriedOut => {
  if (what === "move") return ofMove(run, move);
  if (run === undefined) return still("PLANNED");
  if (what === "open") return ofOpening(run);
  return what === "work" ? ofWork(run) : ofClosing(run);
};

const still = (state: OperationState): CarriedOut => ({
  state,
  started_at: null,
  finished_at: null,
  went_to: null,
});

const MOVE_STATES: Readonly<Record<Move["state"], OperationState>> = {
  waiting: "PLANNED",
  moving: "RUNNING",
  moved: "SUCCEEDED",
  blocked: "FAILED",
  // Its owner took it away, or it turned out that it may stay.
  gone: "SKIPPED",
  staying: "SKIPPED",
};

const ofMove = (run: HostRun | undefined, move: Move | undefined): CarriedOut => {
  const isOver = run?.phase === "FINISHED";
  if (move === undefined) return still(isOver ? "SKIPPED" : "PLANNED");
  const state = MOVE_STATES[move.state];
  return {
    state: state === "PLANNED" && isOver ? "SKIPPED" : state,
    started_at: move.started_at,
    finished_at: move.finished_at,
    went_to: move.destination_host,
  };
};

const ofOpening = (run: HostRun): CarriedOut => {
  const { phase, started_at } = run;
  if (started_at === null) return still(phase === "FINISHED" ? "SKIPPED" : "PLANNED");
  const state =
    phase === "WAITING" || phase === "CORDONED"
      ? "PLANNED"
      : phase === "DISABLING"
        ? "RUNNING"
        : "SUCCEEDED";
  return { ...still(state), started_at };
};

const ofWork = (run: HostRun): CarriedOut => {
  const { phase, outcome, waits_again, work_started_at, finished_at } = run;
  const times = { started_at: work_started_at, finished_at, went_to: null };
  if (outcome === "restored") return still("SKIPPED");
  if (outcome === "failed") return { ...times, state: "FAILED" };
  if (phase === "FINISHED") return { ...times, state: "SUCCEEDED" };
  const isBegun = PHASES.indexOf(phase) >= PHASES.indexOf("IN_MAINTENANCE") && !waits_again;
  return isBegun ? { ...times, state: "RUNNING" } : still("PLANNED");
};

const ofClosing = ({ phase, outcome, finished_at }: HostRun): CarriedOut => {
  if (phase !== "FINISHED") return still("PLANNED");
  return outcome === "restored" ? { ...still("SUCCEEDED"), finished_at } : still("SKIPPED");
};
