import type { victim } from "./victim.ts";

/** How long a process lives at least and at most, from its start, before it is killed. */
const SHORTEST_LIFE_MS = 300;
const LONGEST_LIFE_MS = 4_500;
const LOOK_EVERY_MS = 20;
const START_PATIENCE_MS = 30_000;

/** One kill and how the process that was started at once afterwards came to life. */
export type Kill = {
  readonly number: number;
  /** Milliseconds that the process had lived. */
  readonly livedMs: number;
  /** Whether it had ended by itself before. */
  readonly wasDead: boolean;
  /** What the session was at, as last seen. */
  readonly at: string;
  /** Milliseconds to the first answer of the API; null when the next kill came first. */
  readonly answeredAfterMs: number | null;
  /** Milliseconds to the first word to the cloud; null when the next kill came first. */
  readonly spokeAfterMs: number | null;
};

export type Killing = {
  readonly process: ReturnType<typeof victim>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly isUp: () => Promise<boolean>;
  /** When it last spoke to the cloud, by performance.now(). */
  readonly spokeAt: () => number | null;
  readonly sessionIsAt: () => string;
};

type SignsOfLife = Pick<Kill, "answeredAfterMs" | "spokeAfterMs">;

/** Watches a process that has just been started until an instant, or until it has shown all signs of life. */
const watchLife = async (
  { isUp, spokeAt }: Killing,
  startedAt: number,
  until: number,
  stayOn: boolean,
): Promise<SignsOfLife> => {
  let answeredAfterMs: number | null = null;
  let spokeAfterMs: number | null = null;
  while (performance.now() < until) {
    if (answeredAfterMs === null && (await isUp())) answeredAfterMs = performance.now() - startedAt;
    const spoke = spokeAt();
    if (spokeAfterMs === null && spoke !== null && spoke > startedAt)
      spokeAfterMs = spoke - startedAt;
    if (!stayOn && answeredAfterMs !== null && spokeAfterMs !== null) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return { answeredAfterMs, spokeAfterMs };
};

/** Kills the running process at random moments and starts it again at once, so many times. */
export async function* killAgainAndAgain(killing: Killing, times: number): AsyncGenerator<Kill> {
  const { process, random, sessionIsAt } = killing;
  const life = () => SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS);
  let startedAt = performance.now();
  await watchLife(killing, startedAt, startedAt + life(), true);
  for (let number = 1; number <= times; number++) {
    const at = sessionIsAt();
    const wasDead = !(await process.kill());
    const livedMs = performance.now() - startedAt;
    process.start();
    startedAt = performance.now();
    const last = number === times;
    const until = startedAt + (last ? START_PATIENCE_MS : life());
    const signs = await watchLife(killing, startedAt, until, !last);
    yield { number, livedMs, wasDead, at, ...signs };
  }
}
