import type { SessionDetail } from "../client/maintenance.ts";
import { count, standsOf } from "./counts.ts";
import { estimateOf } from "./estimate.ts";
import { clean } from "./output.ts";
import { isOver, shortId } from "./session-text.ts";
import { showClock, showDuration } from "./times.ts";

/** "PAUSED by breaker 03:12Z (2 hosts failed)", or the state of a session that runs. */
export const controlText = (detail: SessionDetail): string => {
  const { control, holds, aborted, session, result } = detail;
  if (isOver(detail)) return result ? `${session.state} (${result})` : session.state;
  if (aborted) return `ABORTING by ${aborted.by} ${showClock(aborted.at)} (${aborted.reason})`;
  const [hold, ...more] = holds;
  if (!hold) return control === "running" ? session.state : control.toUpperCase();
  const who = hold.code === "breaker" ? "breaker" : hold.by;
  const others = more.length > 0 ? ` and ${count(more.length, "more hold")}` : "";
  return `PAUSED by ${who} ${showClock(hold.at)} (${hold.reason})${others}`;
};

const minutes = (ms: number): string => showDuration(Math.max(60_000, ms)).replace(/m00s$/, "m");

const etaText = (detail: SessionDetail, now: number): string => {
  if (isOver(detail) || detail.control !== "running") return "";
  const planned = detail.plan?.ends_at;
  if (planned && Date.parse(planned) > now) return `ETA ${showClock(planned, now)} (by the plan)`;
  const estimate = estimateOf(detail, now);
  if (!estimate) return "ETA unknown before a host is done";
  const at = showClock(new Date(estimate.at).toISOString(), now);
  return `ETA ${at} ${estimate.spread === null ? "(by one host)" : `+-${minutes(estimate.spread)}`}`;
};

/** So many of the next hosts are named. */
const NEXT_SHOWN = 3;

const nextText = (detail: SessionDetail): string => {
  const { plan } = detail;
  if (!plan || isOver(detail)) return "";
  const [first, ...others] = plan.next.slice(0, NEXT_SHOWN);
  const { wait } = plan;
  const after = wait
    ? ` (after ${wait.others} more, by ${showClock(wait.until)} at the latest)`
    : "";
  const next = first === undefined ? "" : `next ${[`${first}${after}`, ...others].join(", ")}`;
  return plan.failed ? `${next} (planning failed: ${plan.failed})`.trim() : next;
};

type Window = { readonly starts_at: string; readonly ends_at: string };

/** The window that is open, or else the next one. */
const windowOf = ({ session }: SessionDetail, now: number): Window | undefined => {
  const { maintenance_at, ends_at, next_windows } = session;
  const first = ends_at ? [{ starts_at: maintenance_at, ends_at }] : [];
  return [...first, ...next_windows].find((one) => Date.parse(one.ends_at) > now);
};

const windowText = (detail: SessionDetail, now: number): string => {
  if (isOver(detail) || !detail.session.ends_at) return "";
  const window = windowOf(detail, now);
  if (!window) return `window ended ${showClock(detail.session.ends_at, now)}`;
  if (Date.parse(window.starts_at) > now)
    return `window begins ${showClock(window.starts_at, now)}`;
  const ends = Date.parse(window.ends_at);
  const late = estimateOf(detail, now)?.ends.filter((end) => end > ends).length ?? 0;
  return `window ends ${showClock(window.ends_at, now)}${late > 0 ? `: ${late} will not fit` : ""}`;
};

/** The session in one line: who holds it, how its hosts stand, when it ends, and whether that fits. */
export const sessionLine = (detail: SessionDetail, now: number): string =>
  clean(
    [
      `session ${shortId(detail)}`,
      controlText(detail),
      `${detail.percent_done}%`,
      standsOf(detail),
      nextText(detail),
      etaText(detail, now),
      windowText(detail, now),
    ]
      .filter(Boolean)
      .join("  "),
  );

/** Instances that Lull has stopped and not yet started again. */
const stoppedIn = ({ hosts }: SessionDetail): readonly string[] => [
  ...new Set(
    hosts.flatMap(({ stopped, phase, outcome }) =>
      phase === "FINISHED" && outcome !== "failed" ? [] : stopped,
    ),
  ),
];

const alarmsIn = ({ hosts }: SessionDetail): string[] =>
  hosts.flatMap(({ hostname, alarm }) =>
    alarm ? [`alarm ${showClock(alarm.at)} ${hostname}: ${alarm.why}`] : [],
  );

const reserveText = ({ attention, session }: SessionDetail): string => {
  const short = attention.filter(({ code }) => code === "below_reserve");
  if (short.length > 0) return `reserve: ${short.map(({ message }) => message).join("; ")}`;
  if (!session.reserve_hosts) return "";
  return `reserve ${count(session.reserve_hosts, "host")} per zone: no shortage told`;
};

/** A figure older than this is told with its age. */
const FRESH_MS = 10_000;

/**
 * What instances suffer by us, when that was read, and whether room is short.
 *
 * @param readAt when the API answered, milliseconds since the epoch
 */
export const instancesLine = (detail: SessionDetail, now: number, readAt: number): string => {
  const stopped = stoppedIn(detail);
  const names = stopped.map(
    (id) => detail.instances.find(({ instance_id }) => instance_id === id)?.instance_name || id,
  );
  const age = now - readAt > FRESH_MS ? `, ${showDuration(now - readAt)} old` : "";
  const read = `${new Date(readAt).toISOString().slice(11, 19)}Z${age}`;
  const which = names.length > 0 ? `: ${names.join(", ")}` : "";
  return clean(
    [
      `instances down, paused or in ERROR by us: ${stopped.length}${which} (read ${read})`,
      ...alarmsIn(detail),
      reserveText(detail),
    ]
      .filter(Boolean)
      .join("  "),
  );
};
