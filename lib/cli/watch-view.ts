import type { HostRun, SessionDetail } from "../client/maintenance.ts";
import { alignedLines, clean } from "./output.ts";
import { attentionText, elapsedOf, isOver, movedOf, phaseOf } from "./session-text.ts";
import { showDuration, showTime } from "./times.ts";

export type Screen = { readonly columns: number; readonly rows: number };

/** Hosts in work first, then what has failed, what waits, and last what is done. */
const rank = ({ phase, outcome, started_at }: HostRun): number => {
  if (phase === "FINISHED") return outcome === "failed" ? 1 : 3;
  return phase === "WAITING" && !started_at ? 2 : 0;
};

const hostRow = (run: HostRun, now: number): readonly string[] =>
  [run.hostname, phaseOf(run), movedOf(run), elapsedOf(run, now), run.details ?? ""].map(clean);

const hiddenLine = (hidden: readonly HostRun[]): string => {
  const byPhase = Map.groupBy(hidden, ({ phase }) => phase);
  const counts = [...byPhase].map(([phase, runs]) => `${runs.length} ${phase}`).join(", ");
  return `… and ${hidden.length} more: ${counts}`;
};

const headLines = (detail: SessionDetail, now: number): string[] => {
  const { session, control, percent_done, session_id, hosts } = detail;
  const done = hosts.filter(({ phase }) => phase === "FINISHED").length;
  const shownControl = control === "running" || isOver(detail) ? "" : `  ${control.toUpperCase()}`;
  return [
    clean(
      `session ${session_id}  ${session.state}${shownControl}  ${percent_done}%  ${done}/${hosts.length} hosts`,
    ),
    clean(
      `begins ${showTime(session.maintenance_at)}  now ${showTime(new Date(now).toISOString())}`,
    ),
  ];
};

const attentionLines = ({ attention }: SessionDetail, now: number): string[] =>
  attention.map(
    (item) => `! ${attentionText(item)} (for ${showDuration(now - Date.parse(item.since))})`,
  );

/** As much of the line as the screen is wide: a wrapped line would break redrawing in place. */
const cut = (line: string, columns: number): string => {
  const letters = [...line];
  return letters.length < columns ? line : `${letters.slice(0, columns - 2).join("")}…`;
};

/**
 * One screen of a session: what needs a person on top, then a row per host, as many as fit.
 *
 * @param trouble why the figures are old, when they are
 */
export const viewLines = (
  detail: SessionDetail,
  now: number,
  { columns, rows }: Screen,
  trouble?: string,
): string[] => {
  const top = [
    ...headLines(detail, now),
    ...(trouble ? [`! ${clean(trouble)}`] : []),
    ...attentionLines(detail, now),
    "",
  ];
  const hosts = detail.hosts.toSorted((a, b) => rank(a) - rank(b));
  const room = Math.max(1, rows - top.length - 3);
  const seen = hosts.length <= room ? hosts : hosts.slice(0, room);
  const hidden = hosts.slice(seen.length);
  const table = alignedLines([
    ["HOST", "PHASE", "MOVED", "ELAPSED", "DETAILS"],
    ...seen.map((run) => hostRow(run, now)),
  ]);
  return [...top, ...table, ...(hidden.length > 0 ? [hiddenLine(hidden)] : [])].map((line) =>
    cut(line, columns),
  );
};

/** What replaces a view of `lines` lines by another one, for a terminal that knows ANSI sequences. */
export const redraw = (lines: readonly string[], before: number): string =>
  `${before > 0 ? `\u001b[${before}A` : ""}\r\u001b[J${lines.join("\n")}\n`;
