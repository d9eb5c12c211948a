import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../localstack/aws/misbehaviour.ts";
import { virtualClock } from "../../localstack/clock.ts";
import { compiled } from "../../localstack/compiled.ts";
import { virtualGlobals } from "./globals.ts";
import { type Hop, openNetwork } from "./network.ts";
import { isAlive, parties } from "./parties.ts";
import { scripts } from "./script.ts";
import type { Hands, Outcome } from "./stage.ts";
import type { play } from "./world.ts";

const NOON = Date.UTC(2026, 5, 1, 12);

/** A sign of each run: the same seed gives the same one. */
export type Simulated = Outcome & { readonly seed: number; readonly trace: string };

type Options = {
  /** Told of every request and all that happens. */
  readonly log?: ((line: string) => void) | undefined;
  readonly sabotage?: Hands["sabotage"];
};

/** More steps than any seed takes: a world that goes round in circles is stopped here. */
const MOST_STEPS = 2_000_000;

/** Compiles what is simulated; the answer plays seeds, one after the other. */
export const openSimulation = async (): Promise<
  (seed: number, options?: Options) => Promise<Simulated>
> => {
  const globals = virtualGlobals();
  const [{ template }, { handlers, world }] = await Promise.all([compiled(), scripts(globals)]);
  const { play: playSeed } = world() as { play: typeof play };
  const coldStart = () => (handlers() as { table: ReturnType<Hands["coldStart"]> }).table;

  return async (seed, { log = () => undefined, sabotage } = {}) => {
    const folder = mkdtempSync(join(tmpdir(), "lull-sim-"));
    const clock = virtualClock(NOON);
    const trace = createHash("sha256");
    const told = (line: string) =>
      log(`${new Date(clock.now()).toISOString().slice(11, 23)} ${line}`);
    const onArrival = (hop: Hop) => {
      const line = lineOf(hop);
      trace.update(`${clock.now()} ${line} ${hop.body}\n`);
      told(line);
    };
    const network = openNetwork({ clock, latency: latencyOf(seed), onArrival });
    globals.enter({ clock, network, chance: seededRandom(seed + 1) });
    try {
      const playing = playSeed({
        seed,
        clock,
        network,
        parties,
        isAlive,
        template,
        folder,
        coldStart,
        sabotage,
        logLevel: process.env["LULL_SIM_LOG"] ?? "SILENT",
        log: told,
      });
      const outcome = await driven(clock, playing);
      return { ...outcome, seed, trace: trace.digest("hex") };
    } finally {
      globals.leave();
      rmSync(folder, { recursive: true, force: true });
    }
  };
};

const lineOf = ({ from, method, address, path, headers }: Hop): string =>
  `${from?.name ?? "operator"} ${method} ${headers["x-amz-target"] ?? address + path}`;

/** Mostly some milliseconds; now and then much longer, so that what was sent first comes last. */
const latencyOf = (seed: number) => {
  const random = seededRandom(seed + 2);
  return () => {
    const kind = random();
    if (kind < 0.9) return Math.floor(random() * 12);
    return Math.floor(random() * (kind < 0.99 ? 150 : 2_500));
  };
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Steps the clock until the play is over: each step when everything that the last one began waits. */
const driven = async <T>(clock: { step: () => boolean }, playing: Promise<T>): Promise<T> => {
  let over = false;
  const end = () => {
    over = true;
  };
  playing.then(end, end);
  for (let steps = 0; ; steps++) {
    await turn();
    if (over) return playing;
    if (!clock.step()) throw new Error("nothing is left to happen, and the play is not over");
    if (steps > MOST_STEPS) throw new Error(`the play is not over after ${MOST_STEPS} steps`);
  }
};
