import { bundleSizes } from "./bundles.ts";
import { hostPages } from "./host-pages.ts";
import { startUp } from "./start-up.ts";

/**
 * `npm run bench`: the figures of test/bench/README.md, measured on this machine. Each is given with
 * the bar it is held to; nothing fails here, because a busy machine is no bug.
 */
const benches = { "start-up": startUp, bundles: bundleSizes, "host-pages": hostPages };

const [only] = process.argv.slice(2);
for (const [name, run] of Object.entries(benches)) {
  if (only !== undefined && only !== name) continue;
  console.log(`\n${name}`);
  for (const { figure, value, bar } of await run())
    console.log(`  ${figure.padEnd(52)} ${value.padStart(14)}   ${bar}`);
}
