import { setTimeout as pause } from "node:timers/promises";
import { ApiError, ApiUnreachableError } from "../client/errors.ts";
import { getMaintenanceDetail, type SessionDetail } from "../client/maintenance.ts";
import type { Api } from "../client/request.ts";
import { EXIT, UsageError } from "./exit.ts";
import type { Values } from "./options.ts";
import { clean } from "./output.ts";
import { exitCodeOf, isOver, resultOf } from "./session-text.ts";
import type { Terminal } from "./terminal.ts";
import { newLines } from "./watch-lines.ts";
import { type Look, redraw, viewLines } from "./watch-view.ts";

const DEFAULT_INTERVAL_MS = 2_000;
const SHORTEST_INTERVAL_MS = 50;

/** @throws UsageError */
export const intervalOf = (values: Values): number => {
  const text = values.text("interval");
  if (text === undefined) return DEFAULT_INTERVAL_MS;
  const ms = Number(text) * 1000;
  if (ms >= SHORTEST_INTERVAL_MS) return ms;
  throw new UsageError(`--interval is a number of seconds such as 2 or 0.5, not "${text}"`);
};

/** Shows one look at the session, or why there is none. */
type Display = {
  readonly update: (detail: SessionDetail) => void;
  readonly trouble: (why: string) => void;
};

const screenDisplay = (terminal: Terminal): Display => {
  let drawn = 0;
  let last: Omit<Look, "now"> | undefined;
  const draw = (look: Omit<Look, "now">) => {
    const lines = viewLines({ ...look, now: terminal.now() }, terminal.size());
    terminal.draw(redraw(lines, drawn));
    drawn = lines.length;
  };
  return {
    update: (detail) => {
      last = { detail, readAt: terminal.now() };
      draw(last);
    },
    trouble: (why) => {
      if (last) draw({ ...last, trouble: `these figures are old: ${why}` });
      else terminal.err(clean(why));
    },
  };
};

const pipeDisplay = (terminal: Terminal): Display => {
  let last: SessionDetail | undefined;
  let lastTrouble: string | undefined;
  const print = (line: string) => terminal.out(`${new Date(terminal.now()).toISOString()} ${line}`);
  return {
    update: (detail) => {
      for (const line of newLines(detail, last)) print(line);
      last = detail;
      lastTrouble = undefined;
    },
    trouble: (why) => {
      if (why !== lastTrouble) print(`trouble ${clean(why)}`);
      lastTrouble = why;
    },
  };
};

/** A deployment that restarts, or a Keystone that does, is no reason to stop watching. */
const isPassing = (error: unknown): error is Error =>
  error instanceof ApiUnreachableError ||
  (error instanceof ApiError && (error.status >= 500 || error.status === 429)) ||
  (error instanceof Error && error.name === "TransientOpenStackError");

/** @returns the look at which the session was over */
const follow = async (
  api: Api,
  id: string,
  display: Display,
  intervalMs: number,
  signal: AbortSignal,
): Promise<SessionDetail> => {
  for (;;) {
    try {
      const detail = await getMaintenanceDetail(api, id);
      display.update(detail);
      if (isOver(detail)) return detail;
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      display.trouble(error.message);
    }
    await pause(intervalMs, undefined, { signal });
  }
};

/**
 * Shows a session until it is over: drawn in place on a screen, new lines in a pipe. Ctrl-C ends
 * the watching, not the session.
 *
 * @returns the exit code that the session amounts to
 */
export const watchSession = async (
  api: Api,
  terminal: Terminal,
  id: string,
  intervalMs: number,
): Promise<number> => {
  const interrupted = new AbortController();
  const { signal } = interrupted;
  const forget = terminal.onInterrupt(() => interrupted.abort());
  const display = terminal.isScreen ? screenDisplay(terminal) : pipeDisplay(terminal);
  try {
    const detail = await follow({ ...api, signal }, id, display, intervalMs, signal);
    terminal.err(`session ${id}: ${resultOf(detail)}`);
    return exitCodeOf(detail);
  } catch (error) {
    if (!signal.aborted) throw error;
    terminal.err(
      `\nsession ${id} goes on without you. Watch it: lull maintenance watch ${id}. Stop it: lull maintenance pause ${id} --reason '...'`,
    );
    return EXIT.interrupted;
  } finally {
    forget();
  }
};
