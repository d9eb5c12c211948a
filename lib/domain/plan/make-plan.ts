import type { Cluster, Rules } from "./cluster.ts";
import type { Course } from "./credit.ts";
import { lowerBoundOf } from "./lower-bound.ts";
import type { Objective } from "./objective.ts";
import { play } from "./play.ts";
import type { Plan } from "./timeline.ts";

export type MadePlan = Plan & {
  /** With it the same plan is played again, and goes on being played when the cloud has changed. */
  readonly course: Course;
};

/**
 * The best plan of a fixed number of tries: the course is guessed from the lower bound, then one
 * setting after the other is varied for as long as that makes it better. Plans that maintain more hosts come
 * first; among those the objective decides.
 *
 * The same input gives the same plan: neither a clock nor chance has a say.
 */
export const makePlan = (cluster: Cluster, rules: Rules, objective: Objective): MadePlan => {
  const { guess, variations, worthOf } = SEARCHES[objective];
  const first = withinBounds(guess(cluster, rules), cluster);
  const tried = new Set([JSON.stringify(first)]);
  const tries = triesFor(cluster);
  let best: MadePlan = { ...play(cluster, rules, first), course: first };
  const isBetter = (plan: Plan): boolean =>
    plan.blocked.length !== best.blocked.length
      ? plan.blocked.length < best.blocked.length
      : worthOf(plan, cluster) < worthOf(best, cluster);
  const step = Math.max(FINEST, 1 / Math.max(1, cluster.hosts.length));
  for (let before: MadePlan | null = null; before !== best; ) {
    before = best;
    for (const varied of variations) {
      const course = withinBounds(varied(best.course, step), cluster);
      const key = JSON.stringify(course);
      if (tried.size >= tries || tried.has(key)) continue;
      tried.add(key);
      const plan = play(cluster, rules, course);
      if (isBetter(plan)) best = { ...plan, course };
    }
  }
  return withoutLateOnes(cluster, rules, best);
};

/**
 * Plans again without hosts that would be emptied, and then not be done in the window. They hinder
 * each other, so each time only the half that was opened last is left alone.
 */
const withoutLateOnes = (cluster: Cluster, rules: Rules, first: MadePlan): MadePlan => {
  let plan = first;
  const late = new Set<number>();
  for (;;) {
    const vain = openedInVain(plan).filter((host) => !late.has(host));
    if (vain.length === 0) return plan;
    for (const host of vain.slice(Math.floor(vain.length / 2))) late.add(host);
    plan = { ...play(cluster, rules, first.course, late), course: first.course };
  }
};

/** Hosts that were opened and are kept from their work by the end of the window, the first opened first. */
const openedInVain = ({ blocked, timeline }: Plan): number[] => {
  const tooLate = new Set(blocked.filter(({ rule }) => rule === "window").map(({ host }) => host));
  const opened = timeline.flatMap((event) =>
    event.event === "host_open" && tooLate.has(event.host) ? [event.host] : [],
  );
  return [...new Set(opened)];
};

/** Courses played, so that a plan is there within a second or a few, whatever the size of the cluster. */
const triesFor = ({ instances: { length } }: Cluster): number => {
  if (length <= 1_000) return 60;
  return length <= 60_000 ? 4 : 2;
};

/** By how much of all room courses differ at least, if that is a host or more. */
const FINEST = 0.01;

type Search = {
  readonly guess: (cluster: Cluster, rules: Rules) => Course;
  readonly variations: readonly ((course: Course, step: number) => Course)[];
  /** The less, the better. */
  readonly worthOf: (plan: Plan, cluster: Cluster) => number;
};

/** Hosts emptied first, of all at most, and of those that the free room could hold. */
const MOST_EARLY = 0.27;
const MOST_OF_FREE = 0.95;

/**
 * Found by trying all courses on clusters of 100 hosts at loads from 45 to 90 %: as many hosts first
 * as one of the rounds has, and room for nine tenths or so of a round promised at once; where many
 * short rounds follow each other, all there is.
 */
const guessFastest = (cluster: Cluster, rules: Rules): Course => {
  const { rounds, empty } = lowerBoundOf(cluster, rules);
  const capped = rounds <= 3 ? 0.9 : 0.85;
  return {
    early: Math.min(1 / rounds, MOST_OF_FREE * empty, MOST_EARLY),
    cap: rounds > 6 ? 1 : capped * empty,
  };
};

/** By so many steps. */
const shifted =
  ({ early = 0, cap = 0 }: Partial<Record<"early" | "cap", number>>) =>
  (course: Course, step: number): Course => ({
    early: course.early + early * step,
    cap: course.cap + cap * step,
  });

/** Moves per instance beyond which a little speed is not worth more of them. */
const FAIR_MOVES = 1.193;
/** The most that `fewest_moves` spends to be done sooner. */
const FEW_MOVES = 1.0065;

const dearer = (
  { makespan_seconds, migrations }: Plan,
  { instances }: Cluster,
  fair: number,
  price: number,
) =>
  makespan_seconds * (1 + price * Math.max(0, migrations / Math.max(1, instances.length) - fair));

const SEARCHES: Readonly<Record<Objective, Search>> = {
  fastest: {
    guess: guessFastest,
    variations: [
      shifted({ early: -1 }),
      shifted({ cap: 2 }),
      shifted({ cap: -2 }),
      shifted({ early: 1 }),
      (course) => ({ ...course, cap: course.cap < 1 ? 1 : 0.2 }),
      shifted({ cap: -2 }),
      shifted({ early: -2 }),
      shifted({ cap: 2 }),
      shifted({ early: 1 }),
    ],
    worthOf: (plan, cluster) => dearer(plan, cluster, FAIR_MOVES, 2),
  },
  fewest_moves: {
    guess: (cluster, rules) => ({
      ...guessFastest(cluster, rules),
      early: cluster.hosts.length < 500 ? 0 : 0.013,
    }),
    variations: [shifted({ early: 1 }), shifted({ early: 0.3 }), shifted({ cap: 10 })],
    worthOf: (plan, cluster) => dearer(plan, cluster, FEW_MOVES, 1000),
  },
};

/** In whole hosts, and one at least, so that courses that differ lead to plans that do. */
const withinBounds = ({ early, cap }: Course, { hosts }: Cluster): Course => {
  const whole = (share: number) =>
    Math.min(1, Math.max(1, Math.round(share * hosts.length)) / Math.max(1, hosts.length));
  return { early: whole(early), cap: whole(cap) };
};
