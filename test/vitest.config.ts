import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: ".",
    include: ["test/**/*.test.ts"],
    exclude: ["test/openstack/*.test.ts", "test/openstack/lab/**"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
