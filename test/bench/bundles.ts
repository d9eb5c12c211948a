import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleEach, entryPoints } from "../../localstack/bundle.ts";
import { type Figure, median } from "./figure.ts";

const RUNS = 15;

/** CPU that a process spends on importing the bundle, in ms, over that of importing nothing. */
const importCpuMs = (file: string): number => {
  const script = `const before = process.cpuUsage(); await import(${JSON.stringify(pathToFileURL(file).href)}); const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000); process.exit(0);`;
  const env = { ...process.env, ...SETTINGS };
  const run = () =>
    Number(
      execFileSync(process.execPath, ["--input-type=module", "-e", script], {
        env,
        encoding: "utf8",
      }),
    );
  return median(Array.from({ length: RUNS }, run));
};

/** Just enough for a function to be loaded; nothing is called. */
const SETTINGS = {
  AWS_REGION: "us-east-1",
  TABLE_NAME: "t",
  BUS_NAME: "b",
  SESSION_MACHINE_ARN: "arn:aws:states:us-east-1:000000000000:stateMachine:s",
  HOST_MACHINE_ARN: "arn:aws:states:us-east-1:000000000000:stateMachine:h",
  LULL_CLOUD: "c",
  LULL_REGION: "r",
  LULL_CLOUD_SECRET: "s",
  LULL_AUTH_URL: "http://127.0.0.1:1/v3",
};

/** Sizes of the deployed bundles, and what the largest costs at a cold start. */
export const bundleSizes = async (): Promise<Figure[]> => {
  const folder = mkdtempSync(join(tmpdir(), "lull-bundles-"));
  await bundleEach(folder);
  const bundles = entryPoints().map((entry) => {
    const file = join(folder, entry.replace(/\.ts$/, ".mjs"));
    const bytes = readFileSync(file);
    return { entry, file, kb: bytes.length / 1000, zipped: gzipSync(bytes).length / 1000 };
  });
  const largest = bundles.toSorted((a, b) => b.kb - a.kb)[0];
  if (largest === undefined) throw new Error("there are no bundles");
  const total = bundles.reduce((sum, { kb }) => sum + kb, 0);
  const figures = [
    {
      figure: `${bundles.length} bundles, on average`,
      value: `${(total / bundles.length).toFixed(0)} kB`,
      bar: "",
    },
    { figure: `largest: ${largest.entry}`, value: `${largest.kb.toFixed(0)} kB`, bar: "<= 500 kB" },
    { figure: "the same, gzip", value: `${largest.zipped.toFixed(0)} kB`, bar: "<= 150 kB" },
    {
      figure: `the same, CPU of its import, median of ${RUNS}`,
      value: `${importCpuMs(largest.file).toFixed(0)} ms`,
      bar: "<= 100 ms",
    },
  ];
  rmSync(folder, { recursive: true });
  return figures;
};
