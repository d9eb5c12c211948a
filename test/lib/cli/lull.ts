import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { run } from "../../../lib/cli/main.ts";
import type { Terminal } from "../../../lib/cli/terminal.ts";

type Setting = {
  readonly env?: Record<string, string>;
  readonly input?: string;
  /** Called with everything printed so far, whenever there is more. */
  readonly onOutput?: (text: string, child: ChildProcess) => void;
};

/** Runs the command as its users do: as a process, through a pipe. */
export const lull = async (
  args: readonly string[],
  { env = {}, input, onOutput }: Setting = {},
): Promise<{ code: number | null; out: string; err: string }> => {
  const child = spawn(process.execPath, ["lib/cli/lull.mjs", ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      TZ: "UTC",
      LULL_TOKEN: "valid",
      ...env,
    },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    onOutput?.(out, child);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  await once(child, "close");
  return { code: child.exitCode, out, err };
};

/** The same without a process, where nothing but words goes in and out. */
export const lullHere = async (args: readonly string[], over: Partial<Terminal> = {}) => {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    draw: (text) => out.push(text),
    isScreen: false,
    size: () => ({ columns: 80, rows: 24 }),
    ask: async () => undefined,
    readInput: async () => "",
    onInterrupt: () => () => undefined,
    now: () => Date.parse("2026-11-22T10:00:00Z"),
    env: { LULL_TOKEN: "valid" },
    ...over,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
};
