import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleEach, entryPoints } from "../../localstack/bundle.ts";
import { median, type Table } from "./figure.ts";

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

/** A deployed bundle; `file` lies in a folder that is gone when the work with it is done. */
type Bundle = { readonly entry: string; readonly file: string; readonly bytes: Buffer };

/** Builds every bundle as it is deployed, for as long as `work` takes. */
export const withBundles = async <T>(
  work: (bundles: readonly Bundle[]) => T | Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), "lull-bundles-"));
  try {
    await bundleEach(folder);
    const bundles = entryPoints().map((entry) => {
      const file = join(folder, entry.replace(/\.ts$/, ".mjs"));
      return { entry, file, bytes: readFileSync(file) };
    });
    return await work(bundles);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const measured = ({ entry, file, bytes }: Bundle): readonly string[] => {
  const figures = [bytes.length / 1_000, gzipSync(bytes).length / 1_000, importCpuMs(file)];
  const over = figures.some((value, n) => value > (BARS[n] ?? 0));
  process.stderr.write(".");
  return [entry, ...figures.map((value) => value.toFixed(0)), over ? "over" : ""];
};

/** Largest bundle in kB, the same after gzip, and what its import may cost at a cold start, in ms of CPU. */
const BARS = [500, 150, 100] as const;

/** Size of every deployed bundle, and what it costs at a cold start. */
export const bundleSizes = (): Promise<Table> =>
  withBundles((bundles) => {
    const rows = bundles.map(measured);
    process.stderr.write("\n");
    const over = rows.filter((row) => row.at(-1) === "over").length;
    return [
      ["bundle", "minified kB", "gzip kB", `CPU ms of its import, median of ${RUNS}`, ""],
      ...rows.toSorted((a, b) => Number(b[1]) - Number(a[1])),
      ["bar", ...BARS.map((bar) => `<= ${bar}`), `${over} of ${rows.length} over`],
    ];
  });
