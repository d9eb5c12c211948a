#!/usr/bin/env node
// Plain JavaScript that any Node can read: an old one must be told, not fail on the first type.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `lull needs Node 22.18 or newer, and this is ${process.versions.node}: install a newer one, or start it with npx from its folder, which brings one along`,
  );
  process.exit(1);
}
const { run } = await import("./main.ts");
process.exitCode = await run(process.argv.slice(2));
