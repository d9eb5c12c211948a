import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { PROJECT } from "../localstack/bundle.ts";

const run = promisify(execFile);

/**
 * The packages of a requirements.txt in a virtual environment of this project's own, made once for
 * each content of the file.
 *
 * @returns the folder of its programs
 * @throws Error with pip's words when they cannot be had
 */
const install = async (requirements: string): Promise<string> => {
  const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 16);
  const venv = join(PROJECT, ".lull", `python-${basename(dirname(requirements))}-${hash}`);
  const whole = join(venv, "whole");
  if (!existsSync(whole)) {
    await rm(venv, { recursive: true, force: true });
    await mkdir(venv, { recursive: true });
    await run("python3", ["-m", "venv", venv]);
    await run(join(venv, "bin", "pip"), ["install", "--quiet", "--requirement", requirements]);
    await writeFile(whole, "");
  }
  return join(venv, "bin");
};

/**
 * The folder of the packages' programs; null where they cannot be had, which is said. In CI that is
 * an error: a proof that is left out unseen is none.
 *
 * @param what it is that cannot be had then
 * @param requirements path of a requirements.txt
 */
export const pythonPrograms = async (
  what: string,
  requirements: string,
): Promise<string | null> => {
  try {
    return await install(requirements);
  } catch (error) {
    const why = `${what} could not be installed: ${error instanceof Error ? error.message : error}`;
    if (process.env["CI"] === "true") throw new Error(why, { cause: error });
    console.warn(`Skipped: ${why}\nIt takes python3 with venv, and PyPI.`);
    return null;
  }
};
