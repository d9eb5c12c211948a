import type { HostRun, SessionDetail } from "../client/maintenance.ts";
import { clean } from "./output.ts";
import { attentionText, movedOf, phaseOf } from "./session-text.ts";

const sessionLine = ({ session_id, session, control, percent_done }: SessionDetail): string =>
  `session ${session_id} ${session.state} ${control} ${percent_done}%`;

const hostLine = (run: HostRun): string =>
  [
    `host ${run.hostname} ${phaseOf(run)}`,
    ...(movedOf(run) ? [`moved ${movedOf(run)}`] : []),
    ...(run.details ? [run.details] : []),
  ].join("  ");

const factsOf = (detail: SessionDetail): string[] => [
  sessionLine(detail),
  ...detail.attention.map((item) => `attention ${attentionText(item)}`),
  ...detail.hosts.map(hostLine),
];

/**
 * What is new since the last look, a line each: for a pipe, where nothing can be redrawn and each
 * line should be found by grep.
 */
export const newLines = (detail: SessionDetail, before: SessionDetail | undefined): string[] => {
  const known = new Set(before ? factsOf(before) : []);
  const gone = before?.attention.filter(
    (old) => !detail.attention.some((item) => attentionText(item) === attentionText(old)),
  );
  return [
    ...factsOf(detail).filter((fact) => !known.has(fact)),
    ...(gone ?? []).map((item) => `settled ${attentionText(item)}`),
  ].map(clean);
};
