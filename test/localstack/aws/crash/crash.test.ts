import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { lockFolder } from "../../../../localstack/aws/lock.ts";
import { seededRandom } from "../../../../localstack/aws/misbehaviour.ts";
import { temporaryFolder } from "../harness.ts";

const KILLS = 8;
const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

test("a second process on the same folder is refused and says who has it", () => {
  using data = temporaryFolder();
  const free = lockFolder(data.folder);
  const second = spawnSync(process.execPath, [WORKER, data.folder], { encoding: "utf8" });
  free();

  expect(second.status).not.toBe(0);
  expect(second.stderr).toMatch(`${data.folder} is in use by process ${process.pid}`);
});

/** Runs a worker; kills it `after` milliseconds from its first sign of life, if that comes first. */
const runWorker = (folder: string, after?: number) =>
  new Promise<{ code: number | null; output: string[] }>((resolve, reject) => {
    const worker = spawn(process.execPath, [WORKER, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    worker.stdout.on("data", async (chunk) => {
      if (output === "" && after !== undefined)
        await pause(after).then(() => worker.kill("SIGKILL"));
      output += chunk;
    });
    worker.on("error", reject);
    worker.on("close", (code) => resolve({ code, output: output.trim().split("\n") }));
  });

type Line = { step: "work" | "failed" | "ask"; round: number; token?: string };
const journalOf = (folder: string): Line[] =>
  readFileSync(join(folder, "journal"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

test.each([1, 2, 3])(
  "killed at random points (seed %i), an execution repeats no finished step and ends right",
  async (seed) => {
    using data = temporaryFolder();
    const random = seededRandom(seed);
    let killed = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const { code } = await runWorker(data.folder, random() * 250);
      if (code === null) killed += 1;
    }
    const { code, output } = await runWorker(data.folder);
    const journal = journalOf(data.folder);
    const started = journal.filter(({ step }) => step !== "failed");
    const places = started.map(({ step, round }) => (step === "ask" ? 2 * round - 1 : 2 * round));

    expect(killed).toBeGreaterThan(KILLS / 2);
    expect(code).toBe(0);
    expect(JSON.parse(output.at(-1) ?? "")).toMatchObject({
      status: "SUCCEEDED",
      output: '{"round":6,"again":false}',
    });
    expect(places, "a step started again after a later one had started").toEqual(
      places.toSorted((a, b) => a - b),
    );
    const again = started.length - new Set(places).size;
    const failures = journal.filter(({ step }) => step === "failed").length;
    expect(again, "more steps repeated than failed or were cut off").toBeLessThanOrEqual(
      failures + killed,
    );
    for (let round = 1; round <= 6; round++) {
      const asked = started.filter((line) => line.round === round && line.token);
      expect(new Set(asked.map(({ token }) => token)).size, "a token changed").toBe(1);
    }
  },
  90_000,
);
