import { amount } from "./board.ts";
import type { Effort } from "./effort.ts";

/** Amounts of each resource, those first of which a lack weighs most, see `byWeight`. */
export type Ranked = readonly number[];

/** Instances that have to leave their host, the hardest to place first, and hosts that they may go to. */
export type Leaving<Guest, Target> = {
  readonly guests: readonly Guest[];
  readonly targets: readonly Target[];
  readonly needsOf: (guest: Guest) => Ranked;
  readonly freeOn: (target: Target) => Ranked;
  /** Whether the target may take the instance beside these newcomers, whatever the room. */
  readonly bears: (target: Target, guest: Guest, newcomers: readonly Guest[]) => boolean;
};

/** How much has to become free, and which instances find no place until it does. */
export type Lack<Guest> = { readonly amounts: Ranked; readonly left: readonly Guest[] };

const HEAVIEST = ["VCPU", "MEMORY_MB"];

/** Resources in the order in which a lack of them weighs: processors, memory, then the others as given. */
export const byWeight = <Resource extends string>(resources: readonly Resource[]): Resource[] =>
  resources.toSorted((a, b) => weightOf(b) - weightOf(a));

const weightOf = (resource: string): number =>
  HEAVIEST.includes(resource) ? HEAVIEST.length - HEAVIEST.indexOf(resource) : 0;

/** Which of two lacks is the smaller: the first resource in which they differ decides. */
export const compareRanked = (a: Ranked, b: Ranked): number => {
  for (let r = 0; r < a.length; r++) {
    const difference = amount(a, r) - amount(b, r);
    if (difference !== 0) return difference;
  }
  return 0;
};

/**
 * What has to become free for all to find a place: what those need that find none, less what is left
 * on one of the hosts, in the placement for which that is the least. Of a resource of which that host
 * has enough nothing is missing; what its groups keep from that host counts whole.
 *
 * It is one host, because what is left on several adds up for nobody: with two instances of 4
 * processors, and 3 left on each of two hosts, 5 are missing and not 2. Whoever makes room frees whole
 * instances, and does not know hosts: as many instances of the same size are enough wherever they
 * were, and one less never is.
 *
 * It searches, and takes the best it has found when `effort` is used up: that may be more than the
 * least, never less. Nothing but the instances themselves is moved.
 *
 * @returns null when all find a place
 */
export const leastLack = <Guest, Target>(
  leaving: Leaving<Guest, Target>,
  effort: Effort,
): Lack<Guest> | null => {
  const { guests, targets, needsOf, freeOn } = leaving;
  const needs = guests.map(needsOf);
  const free = targets.map(freeOn);
  const resources = [...(needs[0]?.keys() ?? [])];
  const smallest = resources.map((r) => Math.min(...needs.map((one) => amount(one, r))));
  const hosts = targets.map((target, n): Host<Guest, Target> => {
    return { target, free: [...(free[n] ?? [])], newcomers: [] };
  });
  const search: Search<Guest, Target> = {
    leaving,
    effort,
    hosts,
    open: hosts
      .filter((host) => hasRoom(host, smallest))
      .sort((a, b) => compareRanked(a.free, b.free)),
    least: resources.map((r) => shortInAll(needs, free, r)),
    roomiest: resources.map((r) => free.reduce((most, one) => Math.max(most, amount(one, r)), 0)),
    left: [],
    best: null,
  };
  placeFrom(search, 0);
  const isWhole = search.best === null || search.best.amounts.every((missing) => missing === 0);
  return isWhole ? null : search.best;
};

/** A host that takes instances in the search. */
type Host<Guest, Target> = {
  readonly target: Target;
  readonly free: number[];
  readonly newcomers: Guest[];
};

type Search<Guest, Target> = {
  readonly leaving: Leaving<Guest, Target>;
  readonly effort: Effort;
  readonly hosts: readonly Host<Guest, Target>[];
  /** Those with room for any, the fullest first, so that large gaps are left for those to come. */
  readonly open: readonly Host<Guest, Target>[];
  /** No placement lacks less: all that is needed, less all that is free. */
  readonly least: Ranked;
  /** The most that is free on any host. */
  readonly roomiest: Ranked;
  readonly left: Guest[];
  best: Lack<Guest> | null;
};

const shortInAll = (needs: readonly Ranked[], free: readonly Ranked[], r: number): number => {
  const needed = needs.reduce((sum, one) => sum + amount(one, r), 0);
  return Math.max(
    0,
    free.reduce((rest, one) => rest - Math.max(0, amount(one, r)), needed),
  );
};

/** Places the instances from the n-th on in every way that may be better than the best one so far. */
const placeFrom = <Guest, Target>(search: Search<Guest, Target>, n: number): void => {
  const { leaving, open, left } = search;
  const guest = leaving.guests[n];
  if (guest === undefined) {
    keepIfBetter(search);
    return;
  }
  const needs = leaving.needsOf(guest);
  for (const host of open) {
    if (isOver(search)) return;
    search.effort.left -= 1;
    if (!hasRoom(host, needs) || !leaving.bears(host.target, guest, host.newcomers)) continue;
    fill(host, needs, 1);
    host.newcomers.push(guest);
    placeFrom(search, n + 1);
    host.newcomers.pop();
    fill(host, needs, -1);
  }
  left.push(guest);
  if (!isOver(search) && mayBeBetter(search)) placeFrom(search, n + 1);
  left.pop();
};

/** Whether nothing better is to be found, or nobody may go on looking. A first placement is always found. */
const isOver = <Guest, Target>({ best, effort, least }: Search<Guest, Target>): boolean =>
  best !== null && (effort.left <= 0 || compareRanked(best.amounts, least) === 0);

const hasRoom = ({ free }: Host<unknown, unknown>, needs: Ranked): boolean => {
  for (let r = 0; r < needs.length; r++) {
    const need = amount(needs, r);
    if (need > 0 && need > amount(free, r)) return false;
  }
  return true;
};

const fill = ({ free }: Host<unknown, unknown>, needs: Ranked, times: 1 | -1): void => {
  for (let r = 0; r < free.length; r++) free[r] = amount(free, r) - times * amount(needs, r);
};

/** Whether what is left out already does not lack as much as the best placement. */
const mayBeBetter = <Guest, Target>(search: Search<Guest, Target>): boolean => {
  const { leaving, left, least, roomiest, best } = search;
  if (best === null) return true;
  const needed = sumOf(left.map(leaving.needsOf), least);
  const bound = needed.map((need, r) => Math.max(amount(least, r), need - amount(roomiest, r)));
  return compareRanked(bound, best.amounts) < 0;
};

/** Takes down what this placement lacks, were what it leaves out to go to the host that lacks the least. */
const keepIfBetter = <Guest, Target>(search: Search<Guest, Target>): void => {
  const { leaving, hosts, left, least, effort } = search;
  const needed = sumOf(left.map(leaving.needsOf), least);
  let amounts: Ranked = needed;
  effort.left -= left.length > 0 ? hosts.length : 0;
  for (const host of left.length > 0 ? hosts : []) {
    if (compareRanked(shortOn(host, needed), amounts) >= 0) continue;
    const onIt = lackOn(search, host);
    if (compareRanked(onIt, amounts) < 0) amounts = onIt;
  }
  if (search.best === null || compareRanked(amounts, search.best.amounts) < 0)
    search.best = { amounts, left: [...left] };
};

/** What is missing when as many of those left out as may do go to the host, and the others count whole. */
const lackOn = <Guest, Target>(
  { leaving, left, least }: Search<Guest, Target>,
  host: Host<Guest, Target>,
): Ranked => {
  const here: Guest[] = [];
  const elsewhere: Guest[] = [];
  for (const guest of left)
    (leaving.bears(host.target, guest, [...host.newcomers, ...here]) ? here : elsewhere).push(
      guest,
    );
  const whole = sumOf(elsewhere.map(leaving.needsOf), least);
  const short = shortOn(host, sumOf(here.map(leaving.needsOf), least));
  return short.map((missing, r) => missing + amount(whole, r));
};

/** What the host is short of for so much; of what nobody needs nothing. */
const shortOn = ({ free }: Host<unknown, unknown>, needed: Ranked): Ranked =>
  needed.map((need, r) => (need > 0 ? Math.max(0, need - amount(free, r)) : 0));

/** @param like as many amounts as there are resources */
const sumOf = (all: readonly Ranked[], like: Ranked): number[] =>
  like.map((_, r) => all.reduce((sum, one) => sum + amount(one, r), 0));
