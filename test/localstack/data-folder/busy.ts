import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "../aws/harness.ts";

const WRITER = fileURLToPath(new URL("writer.ts", import.meta.url));

/** Another process that has the data folder open and writes to it without pause. */
export const startWriter = (data: string) => {
  const child = spawn(process.execPath, [WRITER, data], { stdio: ["ignore", "pipe", "inherit"] });
  let committed = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    committed = Math.max(committed, ...chunk.toString().trim().split("\n").map(Number));
  });
  return {
    /** The last row known to be committed. */
    committed: () => committed,
    reaches: (number: number) =>
      until(() => {
        if (child.exitCode !== null) throw new Error("the writer has ended");
        return committed >= number;
      }),
    /** SIGKILL: its log stays as it is. */
    kill: async () => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
};
