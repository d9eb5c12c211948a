import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: ".",
    include: ["test/clients/*.test.ts"],
    hookTimeout: 300_000,
  },
});
