import { defineConfig } from "vitest/config";

// One emulator and one stack after the other: two cores are not enough for two.
export default defineConfig({
  test: {
    root: ".",
    include: ["test/deploy/*.test.ts"],
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 600_000,
  },
});
