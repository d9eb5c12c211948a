import { parseArgs } from "node:util";
import type { Kill } from "./killer.ts";
import { type Outcome, survive } from "./scenario.ts";

const HELP = `Kills Lull with SIGKILL while it maintains a simulated cloud, and judges what happened.

  node test/kill/kill.ts [options]

  --seeds 1,2,3    what chance decides, one run each (1)
  --kills N        kills in each run; sessions follow each other until so many are made (30)
  --hosts N        (6)
  --instances N    (24)
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1" },
    kills: { type: "string", default: "30" },
    hosts: { type: "string", default: "6" },
    instances: { type: "string", default: "24" },
    help: { type: "boolean", default: false },
  },
});

const seconds = (ms: number | null): string => (ms === null ? "   -" : (ms / 1_000).toFixed(2));

const line = ({ number, livedMs, at, answeredAfterMs, spokeAfterMs }: Kill): string =>
  `  kill ${String(number).padStart(2)} after ${seconds(livedMs)} s of life; next one answers after ` +
  `${seconds(answeredAfterMs)} s, speaks to the cloud after ${seconds(spokeAfterMs)} s  (${at})`;

const spread = (all: readonly (number | null)[]): string => {
  const known = all.filter((one) => one !== null).toSorted((a, b) => a - b);
  const middle = known[Math.floor(known.length / 2)] ?? null;
  return `median ${seconds(middle)} s, worst ${seconds(known.at(-1) ?? null)} s of ${known.length}`;
};

const isGood = ({ sessions, violations }: Outcome): boolean =>
  violations.length === 0 && sessions.every(({ state }) => state === "MAINTENANCE_DONE");

const outcomes: Outcome[] = [];
if (values.help) console.log(HELP);
else
  for (const seed of values.seeds.split(",").map(Number)) {
    console.log(`seed ${seed}`);
    const outcome = await survive({
      seed,
      kills: Number(values.kills),
      hosts: Number(values.hosts),
      instances: Number(values.instances),
      onKill: (kill) => console.log(line(kill)),
    });
    outcomes.push(outcome);
    for (const { id, state } of outcome.sessions) console.log(`  session ${id} ${state}`);
    for (const words of outcome.violations) console.log(`  BROKEN ${words}`);
    console.log(
      `  ${outcome.kills.length} kills, ${outcome.sessions.length} sessions, ` +
        `${outcome.acceptedMoves} accepted moves, ${Math.round(outcome.seconds)} s`,
    );
  }
const kills = outcomes.flatMap((outcome) => outcome.kills);
if (kills.length > 0) {
  console.log(`answers again after a kill: ${spread(kills.map((kill) => kill.answeredAfterMs))}`);
  console.log(`speaks to the cloud again: ${spread(kills.map((kill) => kill.spokeAfterMs))}`);
}
process.exitCode = outcomes.every(isGood) ? 0 : 1;
