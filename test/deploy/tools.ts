import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PROJECT } from "../../localstack/bundle.ts";

const run = promisify(execFile);
const REQUIREMENTS = join(import.meta.dirname, "requirements.txt");

/** Programs of the Python packages in requirements.txt. */
export type Tools = { readonly ministack: string; readonly cfnLint: string };

/**
 * The tools in a virtual environment of this project's own, made once for each requirements.txt.
 *
 * @throws Error with pip's words when they cannot be had
 */
const install = async (): Promise<Tools> => {
  const hash = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 16);
  const venv = join(PROJECT, ".lull", `deploy-tools-${hash}`);
  const whole = join(venv, "whole");
  if (!existsSync(whole)) {
    await rm(venv, { recursive: true, force: true });
    await mkdir(venv, { recursive: true });
    await run("python3", ["-m", "venv", venv]);
    await run(join(venv, "bin", "pip"), ["install", "--quiet", "--requirement", REQUIREMENTS]);
    await writeFile(whole, "");
  }
  return { ministack: join(venv, "bin", "ministack"), cfnLint: join(venv, "bin", "cfn-lint") };
};

/**
 * The tools; null where they cannot be had, which is said. In CI that is an error: a proof that is
 * left out unseen is none.
 */
export const findTools = async (): Promise<Tools | null> => {
  try {
    return await install();
  } catch (error) {
    const why = `MiniStack and cfn-lint could not be installed: ${error instanceof Error ? error.message : error}`;
    if (process.env["CI"] === "true") throw new Error(why, { cause: error });
    console.warn(`Skipped: ${why}\nIt takes python3 with venv, and PyPI.`);
    return null;
  }
};
