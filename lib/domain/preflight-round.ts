import type { Finding } from "./errors.ts";
import type { summaryOf } from "./preflight.ts";
import type { Attention, PreflightSummary, Session } from "./session.ts";

/** Hosts that one invocation looks at: two calls each, eight at a time, also to a Nova that is slow. */
const HOSTS_PER_ROUND = 200;
/** Kept with the session; the rest are counted. */
const MOST_FINDINGS = 50;
const MOST_NOTES = 50;
const MOST_WARNINGS = 20;

type Progress = Pick<Session, "hosts" | "preflight">;

/** The hosts that are to be looked at next. */
export const nextHosts = ({ hosts, preflight }: Progress): string[] => {
  const seen = preflight?.hosts_seen ?? 0;
  return hosts.slice(seen, seen + HOSTS_PER_ROUND);
};

/** What one round has found. */
export type Round = {
  readonly findings: readonly Finding[];
  readonly warnings: PreflightSummary["warnings"];
  readonly summary: ReturnType<typeof summaryOf>;
  /** Whose instances are on the hosts. */
  readonly owned: readonly { readonly id: string; readonly project_id: string | null }[];
  /** The rest need not be looked at: what can be seen is not to be relied on. */
  readonly last: boolean;
};

const NOTHING: PreflightSummary = {
  hosts_seen: 0,
  instances_total: 0,
  by_class: {},
  local_disk_gb: 0,
  notes: [],
  findings_total: 0,
  findings: [],
  warnings: [],
};

/** What pre-flight has seen when this round is added to the rounds before. */
export const withRound = ({ hosts, preflight }: Progress, round: Round): PreflightSummary => {
  const before = preflight ?? NOTHING;
  const { summary, findings, warnings } = round;
  const classes = new Set([...Object.keys(before.by_class), ...Object.keys(summary.by_class)]);
  return {
    hosts_seen: round.last
      ? hosts.length
      : Math.min(hosts.length, before.hosts_seen + HOSTS_PER_ROUND),
    instances_total: before.instances_total + summary.instances_total,
    by_class: Object.fromEntries(
      [...classes].map((kind) => [
        kind,
        (before.by_class[kind] ?? 0) + (summary.by_class[kind] ?? 0),
      ]),
    ),
    local_disk_gb: before.local_disk_gb + summary.local_disk_gb,
    notes: [...before.notes, ...summary.notes].slice(0, MOST_NOTES),
    findings_total: before.findings_total + findings.length,
    findings: [...before.findings, ...findings].slice(0, MOST_FINDINGS),
    warnings: [...before.warnings, ...warnings].slice(0, MOST_WARNINGS),
  };
};

/** Whether every host has been looked at. */
export const isLookedThrough = (
  { hosts }: Progress,
  { hosts_seen }: Pick<PreflightSummary, "hosts_seen">,
): boolean => hosts_seen >= hosts.length;

/** What was found, for the human who has to cure it; with any of it the session ends. */
export const attentionTo = (
  { findings, findings_total }: PreflightSummary,
  now: string,
): Attention[] => {
  const toldAt = (host: string | null, instance: string | null, message: string): Attention => ({
    code: "preflight_blocked",
    host,
    instance,
    since: now,
    message,
    what_happens_next: "the session ends without touching anything; cure it and create it anew",
  });
  const told = findings.map(({ path, code, message }) => {
    const [host = "", instance = null] = path.split("/");
    return toldAt(host === "" ? null : host, instance, `${code}: ${message}`);
  });
  const more = findings_total - told.length;
  return more === 0
    ? told
    : [...told, toldAt(null, null, `${more} more findings; cure the ones above first`)];
};
