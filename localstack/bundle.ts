import { globSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

/** The root of the project, wherever the process was started. */
export const PROJECT = join(import.meta.dirname, "..");

/** Every Lambda: a file below functions/, which exports `handler`. */
export const entryPoints = (): string[] =>
  globSync("functions/**/*.ts", { cwd: PROJECT }).toSorted();

/** CommonJS packages in a bundle of ES modules still ask for `require`. */
const REQUIRE = `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`;

/**
 * Gets Node's own modules without importing them: the import of one reads all its exports, and
 * reading `http.WebSocket`, for one, loads undici, a quarter of the CPU of a cold start.
 */
const builtinsUnread: Plugin = {
  name: "builtins-unread",
  setup: (bundling) => {
    bundling.onResolve({ filter: /^(node:)?[\w/]+$/ }, ({ path, kind }) =>
      kind === "import-statement" && isBuiltin(path) ? { path, namespace: "builtin" } : undefined,
    );
    bundling.onLoad({ filter: /^/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

const common: BuildOptions = {
  absWorkingDir: PROJECT,
  bundle: true,
  platform: "node",
  target: "node22",
  format: "esm",
  minify: true,
  alias: { "@aws-sdk/credential-provider-node": "./lib/env-credentials.ts" },
  mainFields: ["module", "main"],
  outExtension: { ".js": ".mjs" },
  outbase: ".",
  banner: { js: REQUIRE },
  legalComments: "none",
  logLevel: "warning",
  plugins: [builtinsUnread],
};

/** One file per Lambda, as it is deployed. */
export const bundleEach = async (outdir: string): Promise<void> => {
  await Promise.all(
    entryPoints().map((entry) => build({ ...common, entryPoints: [entry], outdir })),
  );
};

/** All Lambdas with their common parts in shared chunks, as one process loads them. */
export const bundleSplit = async (outdir: string): Promise<void> => {
  await build({
    ...common,
    entryPoints: entryPoints(),
    outdir,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
  });
};
