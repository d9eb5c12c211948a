import { statSync } from "node:fs";
import { join } from "node:path";
import { bundleEach, entryPoints, PROJECT } from "./bundle.ts";

/** `npm run build`: the bundle of each Lambda into dist/, and how large it is. */
await bundleEach("dist");
for (const entry of entryPoints()) {
  const bundle = join("dist", entry.replace(/\.ts$/, ".mjs"));
  const { size } = statSync(join(PROJECT, bundle));
  console.log(`${(size / 1000).toFixed(0).padStart(5)} kB  ${bundle}`);
}
