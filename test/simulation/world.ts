import { openCloud } from "../../lib/openstack/cloud.ts";
import { seededRandom } from "../../localstack/aws/misbehaviour.ts";
import { readCloud } from "../../localstack/openstack/invariants/story.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { judge } from "./judge.ts";
import { PUBLIC_URL, startLull } from "./lull.ts";
import { startManagers } from "./managers.ts";
import type { Fate, Hop } from "./network.ts";
import { openSessions, readInventory, untilOver } from "./operator.ts";
import { planOf } from "./plan.ts";
import { startReceiver } from "./receiver.ts";
import type { Hands, Outcome, Stage } from "./stage.ts";

const SABOTAGE_AFTER_MS = 20_000;

/** Plays one seed: builds a cloud and Lull, opens sessions, lets things happen, and judges. */
export const play = async (hands: Hands): Promise<Outcome> => {
  const { seed, clock } = hands;
  const chance = seededRandom(seed);
  const plan = planOf(chance);
  const simulator = await startSimulator({ clock, cloud: plan.cloud, seed });
  const lull = await startLull(hands, {
    simulator,
    chance,
    rates: plan.rates,
    settings: plan.settings,
  });
  const errors: string[] = [];
  const stage: Stage = {
    hands,
    chance,
    simulator,
    lull,
    api: {
      endpoint: PUBLIC_URL,
      token: openCloud(simulator.config).identity.token,
    },
    sessions: [],
    others: { instances: new Set(), hosts: new Set() },
    managers: [],
    receiver: { manner: "faithful" },
    fates: { kill_before: 0, kill_after: 0, reset_before: 0, reset_after: 0 },
    later: (ms, act) => {
      clock.at(clock.now() + Math.round(ms), () => {
        (async () => act())().catch((error: unknown) =>
          errors.push(`a happening failed: ${error instanceof Error ? error.stack : error}`),
        );
      });
    },
  };
  hands.network.decide(fateOf(stage));
  await startReceiver(stage);
  await startManagers(stage, plan.managers);
  await readInventory(stage);
  const before = await readCloud(simulator.url);
  const began = clock.now();
  await openSessions(stage, plan.sessions);
  for (const { happening, at } of plan.happenings)
    stage.later(at, () => {
      hands.log(`happens: ${happening.name}`);
      return happening.act?.(stage);
    });
  stage.later(SABOTAGE_AFTER_MS, () => hands.sabotage?.(simulator));
  await untilOver(stage, plan);
  const verdict = await judge(stage, before);
  return {
    happenings: plan.happenings.map(({ happening }) => happening.name),
    sessions: verdict.sessions,
    violations: [...errors, ...verdict.violations],
    journal: JSON.stringify(simulator.journal),
    took: clock.now() - began,
  };
};

/** Only requests of invocations meet a fate: the operator and the receiver are not what is tested. */
const fateOf =
  ({ fates, chance }: Stage) =>
  ({ from }: Hop): Fate => {
    if (from?.within === undefined) return "pass";
    for (const fate of ["kill_before", "kill_after", "reset_before", "reset_after"] as const)
      if (fates[fate] > 0 && chance() < fates[fate]) return fate;
    return "pass";
  };
