import { afterEach, describe, expect, test, vi } from "vitest";
import { readSettings } from "../../lib/config.ts";

const REQUIRED = {
  TABLE_NAME: "table",
  BUS_NAME: "bus",
  SESSION_MACHINE_ARN: "arn:session",
  HOST_MACHINE_ARN: "arn:host",
  LULL_CLOUD: "lab",
  LULL_REGION: "RegionOne",
  LULL_CLOUD_SECRET: "lull/cloud",
  LULL_AUTH_URL: "http://keystone.example",
  LULL_PUBLIC_URL: "https://lull.example",
};

const settingsWith = (given: Record<string, string> = {}) => {
  for (const [name, value] of Object.entries({ ...REQUIRED, ...given })) vi.stubEnv(name, value);
  return readSettings();
};

afterEach(() => {
  vi.unstubAllEnvs();
});

test("what is left out or left empty has its default", () => {
  expect(settingsWith({ LULL_POLL_SECONDS: "", LULL_READER_ROLE: "" })).toMatchObject({
    LULL_ADMIN_ROLE: "admin",
    LULL_READER_ROLE: null,
    LULL_BREAK_GLASS_SHA256: null,
    LULL_MAX_HOSTS: 2_000,
    LULL_MAX_ZONE_PERCENT: 100,
    LULL_ALLOW_ALL_HOSTS: false,
    LULL_EGRESS_ALLOW: [],
    LULL_POLL_SECONDS: 5,
  });
});

test("numbers, lists and switches are read from their text", () => {
  const given = {
    LULL_POLL_SECONDS: "60",
    LULL_ALLOW_ALL_HOSTS: "true",
    LULL_EGRESS_ALLOW: "10.0.0.0/8, 192.0.2.1/32,",
  };

  expect(settingsWith(given)).toMatchObject({
    LULL_POLL_SECONDS: 60,
    LULL_ALLOW_ALL_HOSTS: true,
    LULL_EGRESS_ALLOW: ["10.0.0.0/8", "192.0.2.1/32"],
  });
});

describe("a bad deployment fails its first call and names the variable", () => {
  test.each([
    ["TABLE_NAME", ""],
    ["LULL_CLOUD", ""],
    ["LULL_POLL_SECONDS", "61"],
    ["LULL_POLL_SECONDS", "often"],
    ["LULL_MOVES_PER_HOST", "0"],
    ["LULL_INTERFACE", "publicURL"],
    ["LULL_MAX_LEAD_SECONDS", "86401"],
    ["LULL_MAX_CONSTRAINTS", "0"],
    ["LULL_ALLOW_ALL_HOSTS", "perhaps"],
    ["LULL_BREAK_GLASS_SHA256", "break the glass"],
    ["LULL_BREAK_GLASS_SHA256", "0".repeat(63)],
    ["LULL_MAX_HOSTS", "0"],
    ["LULL_MAX_HOSTS", "2001"],
    ["LULL_MAX_ZONE_PERCENT", "101"],
  ])("%s=%s", (name, value) => {
    expect(() => settingsWith({ [name]: value })).toThrow(name);
  });

  test.each(["reader", "member"])("LULL_READER_ROLE=%s, which every user has", (role) => {
    expect(() => settingsWith({ LULL_READER_ROLE: role })).toThrow("LULL_READER_ROLE");
  });
});

test("an address that nobody else reaches is refused for a cloud that is elsewhere", () => {
  expect(() => settingsWith({ LULL_PUBLIC_URL: "" })).toThrow("LULL_PUBLIC_URL");
  expect(
    settingsWith({ LULL_PUBLIC_URL: "", LULL_AUTH_URL: "http://127.0.0.1:5000/v3" }),
  ).toMatchObject({ LULL_PUBLIC_URL: "http://127.0.0.1:12347" });
});
