import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CloudConfig } from "../../lib/openstack/cloud.ts";

const LULL = fileURLToPath(new URL("lull.ts", import.meta.url));

export type Orders = { readonly data: string; readonly port: number; readonly cloud: CloudConfig };

/** A Lull process that can be killed and started again on the same folder and port. */
export const victim = (orders: Orders, logFile: string) => {
  const log: WriteStream = createWriteStream(logFile, { flags: "a" });
  let child: ChildProcess | undefined;
  let died: Promise<void> = Promise.resolve();
  return {
    start: (): void => {
      const started = spawn(process.execPath, [LULL, JSON.stringify(orders)], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      started.stdout?.pipe(log, { end: false });
      started.stderr?.pipe(log, { end: false });
      died = new Promise((resolve) => {
        started.once("exit", () => resolve());
      });
      child = started;
    },
    /**
     * SIGKILL: it has no last words.
     *
     * @returns whether it was alive until then
     */
    kill: async (): Promise<boolean> => {
      child?.kill("SIGKILL");
      await died;
      return child?.signalCode === "SIGKILL";
    },
  };
};
