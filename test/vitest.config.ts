import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: ".",
    include: ["test/**/*.test.ts"],
    exclude: ["test/openstack/**", "test/bench/**"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
