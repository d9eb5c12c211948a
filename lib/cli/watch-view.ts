import type { HostRun, SessionDetail } from "../client/maintenance.ts";
import { instancesLine, sessionLine } from "./headline.ts";
import { alignedLines, clean } from "./output.ts";
import { elapsedOf, movedOf, phaseOf, shortId } from "./session-text.ts";
import { showTime } from "./times.ts";
import { nextText, ruleText, type Wait, waitsOf } from "./waits.ts";

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

/** What is looked at: the session, when it was read, and what the time is now, in milliseconds. */
export type Look = {
  readonly detail: SessionDetail;
  readonly readAt: number;
  readonly now: number;
  /** Why the figures are old, when they are. */
  readonly trouble?: string | undefined;
};

/** The top of the view: the session, what instances suffer, then what waits, the oldest first. */
export const topLines = ({ detail, readAt, now, trouble }: Look): string[] => [
  sessionLine(detail, now),
  instancesLine(detail, now, readAt),
  ...(trouble ? [clean(`! ${trouble}`)] : []),
];

const waitLines = (wait: Wait, now: number): string[] => {
  const next = nextText(wait);
  return [`! ${ruleText(wait, now)}`, ...(next ? [`    ${next}`] : [])];
};

/** As much of the line as the screen is wide: a wrapped line would break redrawing in place. */
const cut = (line: string, columns: number): string => {
  const letters = [...line];
  return letters.length < columns ? line : `${letters.slice(0, columns - 2).join("")}…`;
};

/** One screen of a session: its top, what waits, then a row per host, as many as fit. */
export const viewLines = (look: Look, { columns, rows }: Screen): string[] => {
  const { detail, now } = look;
  const waits = waitsOf(detail);
  const shown = waits.slice(0, Math.max(1, Math.floor(rows / 4)));
  const top = [
    ...topLines(look),
    `now ${showTime(new Date(now).toISOString())}  begins ${showTime(detail.session.maintenance_at)}`,
    ...shown.flatMap((wait) => waitLines(wait, now)),
    ...(waits.length > shown.length
      ? [`! … and ${waits.length - shown.length} more: lull maintenance show ${shortId(detail)}`]
      : []),
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
