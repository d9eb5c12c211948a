import { later } from "./instant.ts";
import type { Refusal } from "./move.ts";

/**
 * How long a target that refused an instance is left alone, the first time: Nova's scheduler may
 * know where the members of a group are only after its next comparison with the hosts, which it
 * makes every 120 s (`scheduler_instance_sync_interval`).
 */
const FIRST_REST_SECONDS = 150;
/** Each further refusal doubles the rest, up to here. */
const LONGEST_REST_SECONDS = 3600;

/** So many different targets that refused an instance are told to people, with Nova's words. */
const MANY = 3;

const restSeconds = ({ times }: Refusal): number =>
  Math.min(FIRST_REST_SECONDS * 2 ** (times - 1), LONGEST_REST_SECONDS);

/** The list with one more refusal of `host` in it. */
export const withRefusal = (
  refusals: readonly Refusal[],
  host: string,
  why: string,
  now: string,
): Refusal[] => {
  const before = refusals.find((refusal) => refusal.host === host);
  return [
    ...refusals.filter((refusal) => refusal !== before),
    { host, at: now, times: (before?.times ?? 0) + 1, why },
  ];
};

/** The targets that are not to be tried now. What refuses today may accept when others have moved. */
export const refusedNow = (refusals: readonly Refusal[], now: string): string[] =>
  refusals
    .filter((refusal) => now < later(refusal.at, restSeconds(refusal)))
    .map(({ host }) => host);

/** What Nova says of an instance that several targets have refused; null while it is too early to tell. */
export const commonRefusal = (refusals: readonly Refusal[]): string | null => {
  if (refusals.length < MANY) return null;
  const newest = refusals.toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
  return `${refusals.length} hosts refused it, the last one, ${newest?.host}: ${newest?.why}`;
};
