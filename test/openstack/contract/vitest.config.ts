import { defineConfig } from "vitest/config";

const lab = process.env["LULL_CONTRACT"] === "lab";

// Against the simulator by default; LULL_CONTRACT=lab takes the real OpenStack.
export default defineConfig({
  test: {
    root: ".",
    include: ["test/openstack/contract/**/*.test.ts"],
    ...(lab && { globalSetup: ["test/openstack/lab-setup.ts"] }),
    fileParallelism: !lab,
    testTimeout: lab ? 300_000 : 60_000,
    hookTimeout: lab ? 900_000 : 60_000,
  },
});
