import type { HostRun, SessionDetail } from "../client/maintenance.ts";

const WORKED = ["maintained", "retired", "released"];

/** How long each host took that was begun and finished in this session, in milliseconds. */
const durations = (hosts: readonly HostRun[]): number[] =>
  hosts.flatMap(({ outcome, started_at, finished_at }) =>
    WORKED.includes(outcome ?? "") && started_at && finished_at
      ? [Date.parse(finished_at) - Date.parse(started_at)]
      : [],
  );

const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
};

/** Makes the median of deviations comparable with a standard deviation. */
const MAD_TO_SIGMA = 1.48;

export type Estimate = {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** How far off it may be, in milliseconds; null with one finished host, which tells nothing of it. */
  readonly spread: number | null;
  /** Ends of the hosts that have not begun, in milliseconds since the epoch. */
  readonly ends: readonly number[];
};

const isWaiting = ({ phase }: HostRun) => phase === "WAITING" || phase === "CORDONED";

/**
 * When the session will end if the hosts to come take as long as those that are done; null before
 * one is. Pauses and windows to come are not foreseen.
 */
export const estimateOf = ({ hosts, session }: SessionDetail, now: number): Estimate | null => {
  const known = durations(hosts);
  if (known.length === 0) return null;
  const usual = median(known);
  const working = hosts.filter((run) => run.phase !== "FINISHED" && !isWaiting(run));
  const waiting = hosts.filter(isWaiting).length;
  const places = working.map(({ started_at }) => ({
    free: now + Math.max(0, usual - (now - Date.parse(started_at ?? ""))) || now + usual,
    turns: 1,
  }));
  while (places.length < (session.max_parallel_hosts ?? 1)) places.push({ free: now, turns: 0 });
  const ends: number[] = [];
  for (let begun = 0; begun < waiting; begun++) {
    const [place] = places.toSorted((a, b) => a.free - b.free);
    if (!place) break;
    place.free += usual;
    place.turns += 1;
    ends.push(place.free);
  }
  const last = places.reduce((latest, place) => (place.free > latest.free ? place : latest));
  const deviation = median(known.map((one) => Math.abs(one - usual))) * MAD_TO_SIGMA;
  const spread = known.length > 1 ? deviation * Math.sqrt(last.turns) : null;
  return { at: last.free, spread, ends };
};
