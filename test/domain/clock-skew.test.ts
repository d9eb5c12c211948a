import { expect, test } from "vitest";
import { clockSkew } from "../../lib/domain/clock-skew.ts";
import { later } from "../../lib/domain/instant.ts";
import { NOW } from "./builders.ts";

test.each([
  [-31, "slow"],
  [301, "fast"],
])("a clock that is %s s off is named, with both times", (seconds) => {
  const words = clockSkew(NOW, later(NOW, seconds));

  expect(words).toContain(NOW);
  expect(words).toContain(later(NOW, seconds));
});

test.each([-30, 0, 300])(
  "one that is %s s off may be right: the step takes its time",
  (seconds) => {
    expect(clockSkew(NOW, later(NOW, seconds))).toBeNull();
  },
);

test("a clock that does not tell is named: late heartbeats could not be told either", () => {
  expect(clockSkew(NOW, null)).toContain("no Date");
});
