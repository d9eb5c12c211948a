import { parseArgs } from "node:util";
import { report } from "./report.ts";
import { openSimulation, type Simulated } from "./simulate.ts";

const HELP = `Simulates Lull and a cloud, seed after seed, and judges what each went through.

  npm run sim -- [options]

  --seeds N     how many (200)
  --from SEED   the first one (1)
  --verbose     tells every request and what happens; best with --seeds 1
  --help

A seed decides the cloud, the sessions, what goes wrong and in which order everything arrives. The
same seed of the same sources is the same run. Ends with 1 when a seed failed, and names them.
LULL_SIM_LOG=DEBUG shows the functions' own log.
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const isBad = ({ violations }: Simulated): boolean => violations.length > 0;

const main = async (): Promise<void> => {
  const first = Number(values.from);
  const count = Number(values.seeds);
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count))
    throw new Error("--seeds and --from take whole numbers");
  const simulate = await openSimulation();
  const outcomes: Simulated[] = [];
  const began = performance.now();
  for (let seed = first; seed < first + count; seed++) {
    const outcome = await simulate(seed, { log: values.verbose ? console.log : undefined });
    outcomes.push(outcome);
    if (isBad(outcome)) {
      console.log(`seed ${seed} FAILED  (${outcome.happenings.join(", ") || "nothing happened"})`);
      for (const words of outcome.violations) console.log(`  ${words}`);
    } else if (outcomes.length % 25 === 0)
      console.log(`${outcomes.length} seeds, ${seconds(began)} s`);
  }
  console.log(report(outcomes));
  const bad = outcomes.filter(isBad).map(({ seed }) => seed);
  console.log(
    `${count} seeds in ${seconds(began)} s; ${bad.length === 0 ? "all promises were kept" : `${bad.length} FAILED: ${bad.join(" ")}`}`,
  );
  process.exitCode = bad.length === 0 ? 0 : 1;
};

const seconds = (began: number): string => ((performance.now() - began) / 1_000).toFixed(1);

if (values.help) console.log(HELP);
else await main();
