import type { HostRun, SessionDetail } from "../client/maintenance.ts";
import { controlText } from "./headline.ts";
import { clean } from "./output.ts";
import { movedOf, phaseOf } from "./session-text.ts";
import { nextText, ruleText, waitsOf } from "./waits.ts";

const sessionLine = (detail: SessionDetail): string =>
  `session ${detail.session_id} ${controlText(detail)} ${detail.percent_done}%`;

const hostLine = (run: HostRun): string =>
  [
    `host ${run.hostname} ${phaseOf(run)}`,
    ...(movedOf(run) ? [`moved ${movedOf(run)}`] : []),
    ...(run.details ? [run.details] : []),
  ].join("  ");

const factsOf = (detail: SessionDetail): string[] => [
  sessionLine(detail),
  ...waitsOf(detail).map((wait) => `attention ${ruleText(wait)}  ${nextText(wait)}`),
  ...detail.hosts.map(hostLine),
];

/**
 * What is new since the last look, a line each: for a pipe, where nothing can be redrawn and each
 * line should be found by grep.
 */
export const newLines = (detail: SessionDetail, before: SessionDetail | undefined): string[] => {
  const known = new Set(before ? factsOf(before) : []);
  const rules = new Set(waitsOf(detail).map((wait) => ruleText(wait)));
  const gone = before ? waitsOf(before).map((wait) => ruleText(wait)) : [];
  return [
    ...factsOf(detail).filter((fact) => !known.has(fact)),
    ...gone.filter((rule) => !rules.has(rule)).map((rule) => `settled ${rule}`),
  ].map(clean);
};
