import { describe, expect, test } from "vitest";
import type { Intent } from "../../lib/domain/move.ts";
import { isLinkSettled, linkEffect, linkedIn, unlinkEffect } from "../../lib/domain/status-link.ts";

const made = (effect: string, outcome: Intent["outcome"]) => ({
  effect,
  instance_id: "vm-1",
  outcome,
});
const link = (outcome: Intent["outcome"]) => made(linkEffect("vm-1"), outcome);
const unlink = (n: number, outcome: Intent["outcome"]) =>
  made(`status_unlink#vm-1#00${n}`, outcome);

describe("a status link", () => {
  test("is written again as long as nobody knows how its writing ended", () => {
    expect(isLinkSettled([], "vm-1")).toBe(false);
    expect(isLinkSettled([link(null)], "vm-1")).toBe(false);
    expect(isLinkSettled([link("refused")], "vm-1")).toBe(true);
    expect(isLinkSettled([link("done")], "vm-2")).toBe(false);
  });

  test("is to be taken away wherever it may stand", () => {
    expect(linkedIn([link("done")])).toEqual(["vm-1"]);
    expect(linkedIn([link(null)])).toEqual(["vm-1"]);
    expect(linkedIn([link("refused")])).toEqual([]);
    expect(linkedIn([link("gone")])).toEqual([]);
    expect(linkedIn([made("live_migrate#vm-1#001", "done")])).toEqual([]);
  });

  test("is taken away once", () => {
    expect(unlinkEffect([link("done")], "vm-1", 1)).toBe("status_unlink#vm-1#001");
    expect(unlinkEffect([unlink(1, "done")], "vm-1", 2)).toBeNull();
    expect(unlinkEffect([unlink(1, "gone")], "vm-1", 2)).toBeNull();
  });

  test("is taken away under the same effect when nobody heard how that ended", () => {
    expect(unlinkEffect([unlink(1, null)], "vm-1", 1)).toBe("status_unlink#vm-1#001");
  });

  test("whose removal was refused is tried again when that may be refused more often", () => {
    expect(unlinkEffect([unlink(1, "refused")], "vm-1", 1)).toBeNull();
    expect(unlinkEffect([unlink(1, "refused")], "vm-1", 2)).toBe("status_unlink#vm-1#002");
    expect(unlinkEffect([unlink(1, "refused"), unlink(2, "refused")], "vm-1", 2)).toBeNull();
  });
});
