import { openSimulation } from "./simulate.ts";

const run = await openSimulation();
for (const seed of process.argv.slice(2).map(Number)) {
  const t = performance.now();
  const { journal, ...outcome } = await run(seed, process.env["VERBOSE"] ? console.log : undefined);
  console.log(outcome, Math.round(performance.now() - t), "ms", JSON.parse(journal).length);
}
