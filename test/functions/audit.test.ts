import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type Api, startApi } from "./api.ts";

let api: Api;
const lines: string[] = [];
beforeAll(async () => {
  vi.spyOn(process.stderr, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  api = await startApi({ POWERTOOLS_LOG_LEVEL: "WARN" });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await api.close();
});
beforeEach(() => {
  lines.length = 0;
});

const as = "holder of the break-glass token";
const logged = () =>
  lines.filter((line) => line.includes("break-glass")).map((line) => JSON.parse(line));

test("each use of the break-glass token is logged, with what was asked and whether it was allowed", async () => {
  await api.call("GET", "/v1/hosts", { as });
  await api.call("POST", "/v1/sync", { as });

  expect(logged()).toMatchObject([
    { level: "WARN", method: "GET", path: "/v1/hosts", allowed: true },
    { level: "WARN", method: "POST", path: "/v1/sync", allowed: false },
  ]);
  expect(lines.join("")).not.toContain("break the glass");
});

test("who freezes the cloud is logged, and a request of any other user is not", async () => {
  await api.call("PUT", "/v1/freeze", { body: { reason: "power cut" } });
  await api.call("GET", "/v1/freeze");

  expect(logged()).toEqual([]);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { message: "the cloud was frozen", by: "admin", reason: "power cut" },
  ]);
});
