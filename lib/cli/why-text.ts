import type { HostRun, Instance, SessionDetail } from "../client/maintenance.ts";
import { count } from "./counts.ts";
import { controlText } from "./headline.ts";
import { isOver, movedOf, phaseOf, shortId } from "./session-text.ts";
import { showClock, showDuration, showTime } from "./times.ts";
import { ruleText } from "./waits.ts";
import { holdsOn, type Known } from "./why.ts";

const sessionText = (detail: SessionDetail): string =>
  `session ${shortId(detail)} ${controlText(detail)}${detail.session.reason ? `: ${detail.session.reason}` : ""}`;

const sinceText = (instant: string | null | undefined, now: number): string =>
  instant ? ` since ${showClock(instant, now)} (${showDuration(now - Date.parse(instant))})` : "";

const hostLine = (run: HostRun, now: number): string => {
  const moved = run.instances_total ? movedOf(run) : "";
  const since =
    run.phase === "FINISHED"
      ? ` at ${showTime(run.finished_at)}`
      : sinceText(run.phase_at ?? run.started_at, now);
  return `host ${run.hostname}: ${phaseOf(run)}${since}${moved ? `, moved ${moved}` : ""}`;
};

const instanceLines = (row: Instance): string[] => {
  const name = row.instance_name ? `${row.instance_name} (${row.instance_id})` : row.instance_id;
  const way = row.destination_host ? `${row.host} -> ${row.destination_host}` : row.host;
  const tries = row.tries ? `, ${count(row.tries, "move")} tried` : "";
  return [
    `instance ${name} of project ${row.project_id ?? "?"}: ${row.state}, ${way}${tries}${row.details ? `: ${row.details}` : ""}`,
    ...(row.vetoed ? ["  its move was cancelled, so it is not begun again"] : []),
    ...row.refusals.map(
      ({ host, times, at, why }) =>
        `  refused by ${host}, ${count(times, "time")}, last ${showClock(at)}: ${why}`,
    ),
  ];
};

const FINISHED_MOVES = ["moved", "gone", "staying"];

/** A host that waits for its turn: for when, and behind whom. */
const turnLines = ({ detail, run }: Known, now: number): string[] => {
  if (detail === null || run?.phase !== "WAITING" || isOver(detail)) return [];
  const { maintenance_at, max_parallel_hosts } = detail.session;
  if (Date.parse(maintenance_at) > now)
    return [`waits: the session begins ${showTime(maintenance_at)}`];
  const working = detail.hosts
    .filter(({ phase }) => !["WAITING", "CORDONED", "FINISHED"].includes(phase))
    .map(({ hostname }) => hostname);
  return working.length === 0
    ? []
    : [
        `waits: ${working.length} of ${count(max_parallel_hosts ?? 1, "place")} taken by ${working.join(", ")}`,
      ];
};

const serviceLines = ({ host }: Known): string[] =>
  host === null
    ? []
    : [
        `service: ${host.service.status}, ${host.service.state}${host.service.disabled_reason ? `, "${host.service.disabled_reason}"` : ""} (synced ${showTime(host.synced_at)})`,
      ];

/** How the phase goes, where no rule says the same. */
const detailsOf = (known: Known): string[] => {
  const details = known.run?.details;
  return !details || holdsOn(known).some(({ rule }) => rule === details)
    ? []
    : [`details: ${details}`];
};

/** Where it stands, which rule holds it, since when, and what Nova said; not yet cleaned. */
export const standingText = (known: Known, now: number): string[] => {
  const { detail, run, instance, host } = known;
  if (detail === null) return [`host ${host?.name}: in no session`, ...serviceLines(known)];
  const rows = instance
    ? [instance]
    : detail.instances.filter(
        (row) => row.host === run?.hostname && !FINISHED_MOVES.includes(row.state),
      );
  return [
    ...(instance ? instanceLines(instance) : []),
    ...(run ? [hostLine(run, now)] : []),
    sessionText(detail),
    ...serviceLines(known),
    ...holdsOn(known).map((wait) => `holds it: ${ruleText(wait, now)}`),
    ...(run?.standstill ? [`stands still: ${run.standstill}`] : []),
    ...turnLines(known, now),
    ...detailsOf(known),
    ...(instance ? [] : rows.flatMap(instanceLines)),
  ];
};
