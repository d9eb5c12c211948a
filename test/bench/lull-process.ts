import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type LullProcess = {
  readonly url: string;
  /** Environment by which a client finds the simulated cloud as its admin. */
  readonly cloud: Readonly<Record<string, string>>;
  /** Milliseconds from the start of the process until it answered. */
  readonly readyMs: number;
  readonly rssMb: () => number;
  readonly stop: () => Promise<void>;
};

const READY = /Lull is up at (\S+)/;
const EXPORTED = /(OS_\w+)=(\S+)/g;

/** Starts `npm start -- --simulate` as its own process, on a fresh data folder and a free port. */
export const startProcess = async (
  port: number,
  more: readonly string[] = [],
): Promise<LullProcess> => {
  const data = mkdtempSync(join(tmpdir(), "lull-bench-"));
  const began = performance.now();
  const args = ["--simulate", "--data", data, "--port", String(port), ...more];
  const child = spawn(
    process.execPath,
    ["--max-semi-space-size=32", "localstack/run.mjs", "start", ...args],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const output = await untilReady(child);
  return {
    url: READY.exec(output)?.[1] ?? "",
    cloud: Object.fromEntries(
      [...output.matchAll(EXPORTED)].map(([, name, value]) => [name, value]),
    ),
    readyMs: performance.now() - began,
    rssMb: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    },
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
};

const untilReady = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let output = "";
    child.once("exit", (code) => reject(new Error(`it ended with ${code}: ${output}`)));
    child.stdout?.on("data", (chunk) => {
      output += chunk;
      if (READY.test(output)) resolve(output);
    });
  });
