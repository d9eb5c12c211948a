import { Script } from "node:vm";
import { type BuildOptions, build } from "esbuild";
import { entryPoints, PROJECT } from "../../localstack/bundle.ts";
import type { Globals } from "./globals.ts";

/** A bundle that can be run again and again, each time with fresh modules and other globals. */
export type RunScript = (globals: Globals) => unknown;

const NAMES = [
  "require",
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

const bundled = async (entry: BuildOptions, name: string): Promise<RunScript> => {
  const { outputFiles } = await build({
    ...entry,
    absWorkingDir: PROJECT,
    bundle: true,
    write: false,
    platform: "node",
    target: "node22",
    format: "cjs",
    alias: { "@aws-sdk/credential-provider-node": "./lib/env-credentials.ts" },
    mainFields: ["module", "main"],
    supported: { "dynamic-import": false },
    logLevel: "error",
  });
  const code = outputFiles?.[0]?.text ?? "";
  const script = new Script(`(function (module, exports, ${NAMES.join(", ")}) {${code}\n})`, {
    filename: `${name}.cjs`,
  });
  const run: (...values: unknown[]) => void = script.runInThisContext();
  return ({ values }) => {
    const module = { exports: {} };
    run(module, module.exports, ...NAMES.map((one) => values[one]));
    return module.exports;
  };
};

/** Every handler by its template's name without extension, e.g. `functions/host/resume`. */
export const handlersScript = (): Promise<RunScript> => {
  const entries = entryPoints();
  const imports = entries.map((entry, n) => `import * as h${n} from "./${entry}";`);
  const names = entries.map((entry, n) => `"${entry.replace(/\.ts$/, "")}": h${n}`);
  const contents = `${imports.join("\n")}\nexport const handlers = {${names.join(",\n")}};`;
  return bundled({ stdin: { contents, resolveDir: PROJECT, loader: "ts" } }, "handlers");
};

/** The embedded stack, the simulated cloud and what happens to both. */
export const worldScript = (): Promise<RunScript> =>
  bundled({ entryPoints: ["test/simulation/world.ts"] }, "world");
