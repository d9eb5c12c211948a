import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname } from "node:path";
import { Script } from "node:vm";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { entryPoints, PROJECT } from "../../localstack/bundle.ts";
import type { Globals } from "./globals.ts";

const NAMES = [
  "process",
  "Date",
  "Math",
  "performance",
  "setTimeout",
  "clearTimeout",
  "setImmediate",
  "AbortSignal",
  "fetch",
  "crypto",
];

type Require = (name: string) => unknown;

/** Runs a bundle: fresh modules each time. @returns what it exports */
type Run = (require: Require, globals: Globals) => unknown;

/** A bundle has one folder; modules that read files beside them mean their own. */
const ownFolders: Plugin = {
  name: "own folders",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll(
        "import.meta.dirname",
        JSON.stringify(dirname(path)),
      ),
      loader: "ts",
    })),
};

const bundled = async (
  name: string,
  options: BuildOptions,
): Promise<{ run: Run; metafile: Metafile }> => {
  const { outputFiles, metafile } = await build({
    ...options,
    absWorkingDir: PROJECT,
    bundle: true,
    write: false,
    metafile: true,
    outfile: `${name}.cjs`,
    platform: "node",
    target: "node22",
    format: "cjs",
    alias: { "@aws-sdk/credential-provider-node": "./lib/env-credentials.ts" },
    mainFields: ["module", "main"],
    supported: { "dynamic-import": false },
    plugins: [ownFolders],
    logLevel: "error",
  });
  const code = outputFiles[0]?.text ?? "";
  const script = new Script(`(function (module, exports, require, ${NAMES}) {${code}\n})`, {
    filename: `${name}.cjs`,
  });
  const started: (...values: unknown[]) => void = script.runInThisContext();
  return {
    metafile,
    run: (require, { values }) => {
      const module = { exports: {} };
      started(module, module.exports, require, ...NAMES.map((one) => values[one]));
      return module.exports;
    },
  };
};

/** A module that imports others whole and exports them by name. */
const table = (modules: readonly (readonly [name: string, path: string])[]): BuildOptions => ({
  stdin: {
    contents: [
      ...modules.map(([, path], n) => `import * as m${n} from ${JSON.stringify(path)};`),
      `export const table = {${modules.map(([name], n) => `${JSON.stringify(name)}: m${n}`)}};`,
    ].join("\n"),
    resolveDir: PROJECT,
    loader: "ts",
  },
});

const packagesOf = (metafile: Metafile): string[] =>
  Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external, path }) => external && !isBuiltin(path))
    .map(({ path }) => path);

/** To the importer of a required module, its default export is the module itself. */
const asRequired = (module: object): object =>
  "default" in module && typeof module.default === "function"
    ? Object.assign(module.default, { ...module })
    : module;

/**
 * The scripts that are simulated. Packages are loaded once and keep no state that a run could tell;
 * `world` is the embedded stack, the cloud and what happens to both; each call of `handlers` is a
 * cold start: fresh modules of every function, by `functions/host/resume`.
 */
export const scripts = async (globals: Globals) => {
  const handlers = await bundled("handlers", {
    ...table(entryPoints().map((entry) => [entry.replace(/\.ts$/, ""), `./${entry}`])),
    packages: "external",
  });
  const world = await bundled("world", {
    entryPoints: ["test/simulation/world.ts"],
    packages: "external",
  });
  const names = new Set([handlers, world].flatMap(({ metafile }) => packagesOf(metafile)));
  const packages = await bundled("packages", table([...names].map((name) => [name, name])));
  const builtin = globals.values["require"] as Require;
  const loaded = packages.run(builtin, globals) as { table: Readonly<Record<string, object>> };
  const required = new Map(
    Object.entries(loaded.table).map(([name, module]) => [name, asRequired(module)]),
  );
  const require: Require = (name) => required.get(name) ?? builtin(name);
  return {
    handlers: () => handlers.run(require, globals),
    world: () => world.run(require, globals),
  };
};
