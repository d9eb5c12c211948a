import { parseArgs } from "node:util";
import { bundleSizes } from "./bundles.ts";
import { sessionCosts } from "./cost.ts";
import { delivery, deliveryKills } from "./delivery.ts";
import type { Table } from "./figure.ts";
import { hostPages } from "./host-pages.ts";
import { plans } from "./plans.ts";
import { startUp } from "./start-up.ts";
import { templateLimits } from "./template.ts";

/**
 * `npm run bench`: the figures of test/bench/README.md, measured on this machine. Each is given with
 * the bar it is held to; nothing fails here, because a busy machine is no bug.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    /** Of `cost`: sizes of the sessions. 1,000 hosts take some 20 minutes of CPU. */
    hosts: { type: "string", default: "10,100" },
    /** Of `delivery-kills`: events in each of 500 lanes; 20 are 10,000 deliveries, and a quarter of an hour. */
    each: { type: "string", default: "20" },
  },
});

const benches: Readonly<Record<string, () => Promise<Table>>> = {
  "start-up": startUp,
  bundles: bundleSizes,
  template: templateLimits,
  "host-pages": hostPages,
  plans: async () => plans(),
  delivery,
  "delivery-kills": () => deliveryKills(Number(values.each)),
  cost: () => sessionCosts(values.hosts.split(",").map(Number)),
};

/** As Markdown: the first column to the left, the rest to the right. */
const tableText = (table: Table): string => {
  const [header = []] = table;
  const widths = header.map((_, n) => Math.max(4, ...table.map((row) => row[n]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const lines = table.map((row) =>
    line(
      widths.map((width, n) =>
        n === 0 ? (row[n] ?? "").padEnd(width) : (row[n] ?? "").padStart(width),
      ),
    ),
  );
  const rule = line(
    widths.map((width, n) => (n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)),
  );
  return lines.toSpliced(1, 0, rule).join("\n");
};

for (const [name, run] of Object.entries(benches))
  if (positionals.length === 0 || positionals.includes(name))
    console.log(`\n${name}\n\n${tableText(await run())}`);
