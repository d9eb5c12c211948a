// Loaded before anything that an older Node could not even read.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Lull needs Node 22.18 or newer; this is ${process.versions.node}. Run \`npm ci\` (it brings one on Linux) or install Node 24.`,
  );
  process.exit(1);
}
