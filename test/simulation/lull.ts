import { misbehaviour } from "../../localstack/aws/misbehaviour.ts";
import { type Stack, startStack } from "../../localstack/aws/stack.ts";
import type { Clock } from "../../localstack/clock.ts";
import type { Simulator } from "../../localstack/openstack/simulator.ts";
import type { Fate } from "./network.ts";
import type { Party } from "./parties.ts";
import type { Chance, Handler, Hands, Lull, Misrates } from "./stage.ts";

const PORT = 12_347;
export const PUBLIC_URL = `http://127.0.0.1:${PORT}`;
const SECRET = "lull/cloud";

/** The sandbox went away in the middle of an invocation. */
class ExitError extends Error {
  override readonly name = "Runtime.ExitError";
}

/** A clock whose timers die with their owner. */
const mortal = ({ clock, isAlive }: Hands, owner: Party): Clock => ({
  ...clock,
  at: (when, act) =>
    clock.at(when, () => {
      if (isAlive(owner)) act();
    }),
});

/**
 * Lull as one process after the other on one file. Each invocation is a party of its own: one that
 * dies makes no further request; whoever called it learns of it at once or by its time-out, and the
 * next one starts cold.
 */
export const startLull = async (
  hands: Hands,
  {
    simulator,
    chance,
    rates,
    settings,
  }: {
    simulator: Simulator;
    chance: Chance;
    rates: Misrates;
    settings: Readonly<Record<string, string>>;
  },
): Promise<Lull> => {
  const { parties, network, clock } = hands;
  const crashes = new WeakMap<Party, (error: Error) => void>();
  let process_: Party = { name: "lull-0", alive: false };
  let sandbox: ReturnType<Hands["coldStart"]> | undefined;
  let stack: Stack | undefined;
  let number = 0;

  const invoke = (name: string): Handler => {
    const owner = process_;
    return (event, context) => {
      sandbox ??= hands.coldStart();
      const handler = sandbox[name]?.handler;
      if (!handler) throw new Error(`there is no handler ${name}`);
      const invocation: Party = { name, within: owner, alive: true };
      return Promise.race([
        parties.run(invocation, async () => handler(event, context)),
        new Promise((_, reject) => crashes.set(invocation, reject)),
      ]);
    };
  };

  network.onDeath((party: Party, how: Fate) => {
    party.alive = false;
    sandbox = undefined;
    hands.log(`${party.name} dies (${how})`);
    if (chance() < 0.7)
      clock.at(clock.now() + 1, () => crashes.get(party)?.(new ExitError("signal: killed")));
  });

  const start = async () => {
    number += 1;
    const party: Party = { name: `lull-${number}`, alive: true };
    process_ = party;
    sandbox = undefined;
    const { config } = simulator;
    stack = await parties.run(party, () =>
      startStack({
        template: hands.template,
        handlers: async (_, entry) =>
          invoke(entry.replace(/^dist\//, "").replace(/\.handler$/, "")),
        data: hands.folder,
        durability: "NORMAL",
        clock: mortal(hands, party),
        misbehaviour: misbehaviour({ seed: hands.seed + number, ...rates }),
        apiPort: PORT,
        log: (line) => hands.log(`stack: ${line}`),
        secrets: { [SECRET]: JSON.stringify(config) },
        environment: {
          LULL_CLOUD: "simulated",
          LULL_REGION: config.region_name ?? "RegionOne",
          LULL_AUTH_URL: config.auth_url,
          LULL_CA: "",
          LULL_CLOUD_SECRET: SECRET,
          LULL_PUBLIC_URL: PUBLIC_URL,
          POWERTOOLS_LOG_LEVEL: hands.logLevel,
          ...settings,
        },
      }),
    );
  };
  await start();

  return {
    stack: () => {
      if (!stack) throw new Error("Lull has never been started");
      return stack;
    },
    kill: () => {
      process_.alive = false;
      network.hangUp();
    },
    start,
  };
};
