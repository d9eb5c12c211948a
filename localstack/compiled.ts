import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { bundleSplit, entryPoints, PROJECT } from "./bundle.ts";

/** What the embedded stack runs: made from the sources once, kept under their content's hash. */
const CACHE = join(PROJECT, ".lull");
const KEPT_MS = 3_600_000;

/** What the functions' code is made of, the way it is bundled included. */
const CODE = ["functions/**/*.ts", "lib/**/*.ts", "localstack/bundle.ts", "package-lock.json"];

type Compiled = {
  /** The CloudFormation template that a deployment would use. */
  readonly template: unknown;
  /** The exported handler of a function, by the template's `Handler`. */
  readonly handler: (
    name: string,
  ) => Promise<(event: unknown, context: unknown) => Promise<unknown>>;
};

const hashOf = (patterns: readonly string[]): string => {
  const hash = createHash("sha256");
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: PROJECT })).toSorted();
  for (const file of files)
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(PROJECT, file)));
  return hash.digest("hex").slice(0, 16);
};

/** Makes a folder of the cache unless it is there; two processes may do so at once. */
const made = async (name: string, make: (folder: string) => Promise<void>): Promise<string> => {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  const draft = join(CACHE, `draft-${process.pid}-${name}`);
  await mkdir(draft, { recursive: true });
  await make(draft);
  await rename(draft, folder).catch(async (error: unknown) => {
    if (!existsSync(folder)) throw error;
    await rm(draft, { recursive: true });
  });
  await removeOld(name);
  return folder;
};

/** Removes what older sources made, unless a process may still be using it. */
const removeOld = async (current: string): Promise<void> => {
  const [kind = ""] = current.split("-");
  for (const name of await readdir(CACHE)) {
    if (!name.startsWith(`${kind}-`) || name === current) continue;
    const { mtimeMs } = await stat(join(CACHE, name));
    if (mtimeMs < Date.now() - KEPT_MS) await rm(join(CACHE, name), { recursive: true });
  }
};

/** Settings of a deployment; not those of whoever starts first, which others must not start from. */
type Variables = Readonly<Record<string, string>>;

/** Compiles serverless.yml as a deployment does; only the code is left out, it is loaded apart. */
const compileTemplate = async (folder: string, variables: Variables): Promise<void> => {
  await cp(join(PROJECT, "serverless.yml"), join(folder, "serverless.yml"));
  await cp(join(PROJECT, "statemachines"), join(folder, "statemachines"), { recursive: true });
  for (const entry of entryPoints()) {
    const bundle = join(folder, "dist", entry.replace(/\.ts$/, ".mjs"));
    await mkdir(dirname(bundle), { recursive: true });
    await writeFile(bundle, "");
  }
  const serverless = join(PROJECT, "node_modules", ".bin", "serverless");
  const env = { ...withoutSettings(), ...variables };
  await promisify(execFile)(serverless, ["package"], { cwd: folder, env });
};

const withoutSettings = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(LULL|POWERTOOLS|AWS)_/.test(name)),
  );

const STATE = join(".serverless", "serverless-state.json");
const TEMPLATE = join(".serverless", "cloudformation-template-update-stack.json");

/** Where the framework left what a deployment with these settings would use. */
const packaged = async (variables: Variables): Promise<string> => {
  const sources = hashOf(["serverless.yml", "statemachines/*.json", "package-lock.json"]);
  const given = createHash("sha256").update(JSON.stringify(variables)).digest("hex").slice(0, 8);
  return made(`template-${sources}-${given}`, (draft) => compileTemplate(draft, variables));
};

/** The CloudFormation template that a deployment with these settings would use, parsed. */
export const compiledTemplate = async (variables: Variables = {}): Promise<unknown> =>
  JSON.parse(readFileSync(join(await packaged(variables), TEMPLATE), "utf8"));

/** serverless.yml as the framework reads it with these settings: what it does besides the template. */
export const compiledService = async (variables: Variables = {}): Promise<unknown> =>
  JSON.parse(readFileSync(join(await packaged(variables), STATE), "utf8"));

/** The template and the functions of these sources; the first call after a change takes seconds. */
export const compiled = async (): Promise<Compiled> => {
  const codeHash = hashOf(CODE);
  const [template, code] = await Promise.all([
    compiledTemplate(),
    made(`code-${codeHash}`, bundleSplit),
  ]);
  return {
    template,
    handler: async (name) => {
      const file = join(code, name.replace(/^dist\//, "").replace(/\.handler$/, ".mjs"));
      const module: unknown = await import(pathToFileURL(file).href);
      if (
        typeof module === "object" &&
        module &&
        "handler" in module &&
        typeof module.handler === "function"
      ) {
        const { handler } = module;
        return async (event, context) => handler(event, context);
      }
      throw new Error(`${file} exports no handler`);
    },
  };
};
