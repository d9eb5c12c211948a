import { defineConfig } from "vitest/config";

// All files share one cloud, so they run one after the other; a real one takes its time.
export default defineConfig({
  test: {
    root: ".",
    include: ["test/openstack/**/*.test.ts"],
    env: { LULL_CONTRACT: "lab" },
    globalSetup: ["test/openstack/lab-setup.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 900_000,
  },
});
