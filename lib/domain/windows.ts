import type { HostRun } from "./host-run.ts";
import { later, secondsUntil } from "./instant.ts";
import type { Session } from "./session.ts";

/** When hosts may be started; `ends_at` null = open end. */
export type Window = { readonly starts_at: string; readonly ends_at: string | null };

/**
 * The windows of a session in order of time: from `maintenance_at` to `ends_at`, and the further
 * ones. Those that overlap or touch are one, so that a host may be worked on across the seam.
 */
export const windowsOf = ({
  maintenance_at,
  ends_at,
  next_windows,
}: Pick<Session, "maintenance_at" | "ends_at" | "next_windows">): Window[] => {
  const merged: Window[] = [];
  const sorted = [{ starts_at: maintenance_at, ends_at }, ...next_windows].toSorted((a, b) =>
    a.starts_at < b.starts_at ? -1 : 1,
  );
  for (const window of sorted) {
    const before = merged.at(-1);
    if (before === undefined || (before.ends_at !== null && before.ends_at < window.starts_at))
      merged.push(window);
    else merged[merged.length - 1] = { ...before, ends_at: latest(before.ends_at, window.ends_at) };
  }
  return merged;
};

const latest = (a: string | null, b: string | null): string | null =>
  a === null || b === null ? null : a < b ? b : a;

/** When the last window closes; null = never. */
export const lastEndOf = (session: Parameters<typeof windowsOf>[0]): string | null =>
  windowsOf(session).at(-1)?.ends_at ?? null;

/** The window that is open at `now` and the first one after `now`, as far as there are such. */
export const windowsAt = (
  session: Pick<Session, "maintenance_at" | "ends_at" | "next_windows">,
  now: string,
): { readonly open: Window | null; readonly next: Window | null } => {
  const windows = windowsOf(session);
  return {
    open:
      windows.find(
        ({ starts_at, ends_at }) => starts_at <= now && (ends_at === null || now < ends_at),
      ) ?? null,
    next: windows.find(({ starts_at }) => now < starts_at) ?? null,
  };
};

/**
 * How long one host takes, in seconds: as the session says, else the longest seen in it; null
 * while nobody knows. Hosts that were not maintained say nothing: they may have run into a time-out.
 */
export const secondsPerHost = (
  { host_minutes }: Pick<Session, "host_minutes">,
  runs: readonly HostRun[],
): number | null => {
  if (host_minutes !== null) return host_minutes * 60;
  const seen = runs.flatMap(({ outcome, started_at, finished_at, stood_still }) =>
    (outcome === "maintained" || outcome === "retired") &&
    started_at !== null &&
    finished_at !== null
      ? [secondsUntil(started_at, finished_at) - stood_still]
      : [],
  );
  return seen.length === 0 ? null : Math.max(0, ...seen);
};

/** Whether a host that is started now will have ended when the window does; an unknown time fits. */
export const fitsInto = ({ ends_at }: Window, seconds: number | null, now: string): boolean =>
  ends_at === null || later(now, seconds ?? 0) <= ends_at;

/** When the window that is open closes, or else the next one opens; null when neither ever happens. */
export const nextBoundary = (
  session: Pick<Session, "maintenance_at" | "ends_at" | "next_windows">,
  now: string,
): string | null => {
  const { open, next } = windowsAt(session, now);
  return open?.ends_at ?? next?.starts_at ?? null;
};
