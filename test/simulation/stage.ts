import type { AsyncLocalStorage } from "node:async_hooks";
import type { Api } from "../../lib/client/request.ts";
import type { Rates } from "../../localstack/aws/misbehaviour.ts";
import type { Stack } from "../../localstack/aws/stack.ts";
import type { VirtualClock } from "../../localstack/clock.ts";
import type { Simulator } from "../../localstack/openstack/simulator.ts";
import type { Manager } from "../managers/manager.ts";
import type { Fate, Network } from "./network.ts";
import type { Party } from "./parties.ts";

/** A number from 0 to 1, decided by the seed. */
export type Chance = () => number;

export type Handler = (event: unknown, context: unknown) => Promise<unknown>;

/** What the virtual world is given from outside. */
export type Hands = {
  readonly seed: number;
  readonly clock: VirtualClock;
  readonly network: Network;
  readonly parties: AsyncLocalStorage<Party>;
  readonly isAlive: (party: Party | undefined) => boolean;
  /** The compiled CloudFormation template. */
  readonly template: unknown;
  /** A folder of its own. */
  readonly folder: string;
  /** A cold start: fresh modules of all handlers, by `functions/host/resume`. */
  readonly coldStart: () => Readonly<Record<string, { readonly handler: Handler }>>;
  /** Done in the middle of the play, and blamed on Lull. */
  readonly sabotage: ((simulator: Simulator) => void) | undefined;
  readonly logLevel: string;
  readonly log: (line: string) => void;
};

/** A Lull process that can die at any moment, and the invocations inside it. */
export type Lull = {
  readonly stack: () => Stack;
  /** Ends it as SIGKILL does. */
  readonly kill: () => void;
  /** Starts it again on what it had stored. */
  readonly start: () => Promise<void>;
};

/** Everything a happening can lay hands on. */
export type Stage = {
  readonly hands: Hands;
  readonly chance: Chance;
  readonly simulator: Simulator;
  readonly lull: Lull;
  readonly api: Api;
  /** Sessions that were opened, by id. */
  readonly sessions: string[];
  /** What others than Lull did: nobody blames Lull for it. */
  readonly others: { readonly instances: Set<string>; readonly hosts: Set<string> };
  /** Of projects that have one. */
  readonly managers: Manager[];
  /** How the receiver of webhooks reports. */
  readonly receiver: { manner: "faithful" | "lost" | "twice" | "stale" | "failed" };
  /** Does something later, in milliseconds of the clock; errors count as the seed's failure. */
  readonly later: (ms: number, act: () => unknown) => void;
  /** How often requests of invocations end badly from now on; what is left out never happens. */
  readonly fates: Record<Exclude<Fate, "pass">, number>;
};

export type Misrates = Omit<Rates, "seed">;

/** How a seed went. */
export type Outcome = {
  readonly happenings: readonly string[];
  /** `DONE`, `FAILED`, or the codes of the attention it waits with. */
  readonly sessions: readonly string[];
  readonly violations: readonly string[];
  /** The cloud's journal, as JSON. */
  readonly journal: string;
  /** Milliseconds of the clock. */
  readonly took: number;
};
