import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { breakGlass } from "../../lib/lambda/break-glass.ts";

const sha256 = createHash("sha256").update("break the glass").digest("hex");

describe("the break-glass token", () => {
  const holderOf = breakGlass(sha256);

  test.each(["x-lull-token", "x-auth-token"])("is known by its hash, in %s", (header) => {
    const holder = holderOf({ [header]: "break the glass" });

    expect(holder).toMatchObject({ name: "break-glass", projectId: null });
    expect([...(holder?.personas ?? [])]).toEqual(["break_glass"]);
  });

  test("is known beside a Keystone token that came with it", () => {
    expect(
      holderOf({ "x-auth-token": "gAAAAA", "x-lull-token": "break the glass" }),
    ).not.toBeNull();
  });

  test("is known whatever the case of its hash", () => {
    expect(breakGlass(sha256.toUpperCase())({ "x-lull-token": "break the glass" })).not.toBeNull();
  });

  test.each([
    ["no token", {}],
    ["another token", { "x-lull-token": "break the glass " }],
    ["an empty token", { "x-lull-token": "" }],
    ["its own hash", { "x-lull-token": sha256 }],
    ["the token elsewhere", { authorization: "break the glass" }],
  ])("is not %s", (_, headers) => {
    expect(holderOf(headers)).toBeNull();
  });

  test("opens nothing where none is configured", () => {
    const nobody = breakGlass(null);

    expect(nobody({ "x-lull-token": "break the glass", "x-auth-token": "" })).toBeNull();
  });
});
