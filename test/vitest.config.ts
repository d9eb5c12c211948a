import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: ".",
    include: ["test/**/*.test.ts"],
    exclude: [
      "test/clients/**",
      "test/deploy/**",
      "test/openstack/*.test.ts",
      "test/openstack/lab/**",
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
