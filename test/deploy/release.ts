import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT } from "../../localstack/bundle.ts";

/** A tree that can be deployed. */
export type Release = { readonly folder: string; readonly dispose: () => void };

/** What is deployed today: the tree itself. */
export const today: Release = { folder: PROJECT, dispose: () => undefined };

/** The same with the state machines as they were recorded with that number. */
export const withRecordedMachines = (number: number): Release => {
  const folder = mkdtempSync(join(tmpdir(), "lull-release-"));
  for (const part of ["functions", "lib", "localstack", "serverless.yml", "package.json"])
    cpSync(join(PROJECT, part), join(folder, part), { recursive: true });
  cpSync(join(PROJECT, "test", "recorded", `asl-${number}`), join(folder, "statemachines"), {
    recursive: true,
  });
  symlinkSync(join(PROJECT, "node_modules"), join(folder, "node_modules"));
  return { folder, dispose: () => rmSync(folder, { recursive: true, force: true }) };
};

/**
 * Runs `npm run NAME -- ...` of a release as an operator would.
 *
 * @returns what it printed
 * @throws Error with what it printed when it failed
 */
export const npmRun = (
  { folder }: Release,
  name: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn("npm", ["run", "--silent", name, "--", ...args], {
      cwd: folder,
      env: { ...process.env, ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said: Uint8Array[] = [];
    child.stdout.on("data", (chunk) => said.push(chunk));
    child.stderr.on("data", (chunk) => said.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      const text = Buffer.concat(said).toString("utf8");
      if (code === 0) resolve(text);
      else reject(new Error(`npm run ${name} failed with ${code}:\n${text}`));
    });
  });
