// Runs a program of this folder (`start`, `demo`) from one bundle, made when its sources change:
// without the compiler in the process it starts faster and takes a third less memory.
import "./require-node.mjs";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const PROJECT = join(import.meta.dirname, "..");

const hash = createHash("sha256");
for (const pattern of ["localstack/**/*.{ts,mjs}", "lib/**/*.ts", "package-lock.json"])
  for (const file of globSync(pattern, { cwd: PROJECT }).toSorted())
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(PROJECT, file)));
const folder = join(PROJECT, ".lull", `programs-${hash.digest("hex").slice(0, 16)}`);

const bundle = async () => {
  const { build } = await import("esbuild");
  const draft = `${folder}-${process.pid}`;
  await build({
    absWorkingDir: PROJECT,
    entryPoints: { start: "localstack/start.ts", demo: "localstack/demo.ts" },
    outdir: draft,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    external: ["esbuild"],
    // CommonJS packages in a bundle of ES modules still ask for `require`.
    banner: {
      js: `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`,
    },
    define: { "import.meta.dirname": JSON.stringify(import.meta.dirname) },
    logLevel: "warning",
  });
  try {
    renameSync(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(draft, { recursive: true });
  }
};

const [program] = process.argv.splice(2, 1);
if (!existsSync(folder)) await bundle();
await import(pathToFileURL(join(folder, `${program}.mjs`)).href);
