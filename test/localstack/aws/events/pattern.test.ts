import { expect, test } from "vitest";
import { compilePattern, EventPatternError } from "../../../../localstack/aws/events/pattern.ts";

const event = {
  source: "lull",
  "detail-type": "maintenance.scheduled",
  detail: {
    state: "MAINTENANCE",
    count: 3,
    gone: null,
    tags: ["red", "blue"],
    host: { name: "c1" },
  },
};

test.each<[object, boolean]>([
  [{ source: ["lull"] }, true],
  [{ source: ["other"] }, false],
  [{ source: ["other", "lull"], "detail-type": ["maintenance.scheduled"] }, true],
  [{ "detail-type": [{ prefix: "maintenance." }] }, true],
  [{ "detail-type": [{ prefix: "inventory." }] }, false],
  [{ detail: { count: [3] } }, true],
  [{ detail: { count: ["3"] } }, false],
  [{ detail: { gone: [null] } }, true],
  [{ detail: { tags: ["blue"] } }, true],
  [{ detail: { state: [{ "anything-but": ["SCALE_IN", "MAINTENANCE"] }] } }, false],
  [{ detail: { state: [{ "anything-but": "SCALE_IN" }] } }, true],
  [{ detail: { state: [{ "anything-but": { prefix: "MAIN" } }] } }, false],
  [{ detail: { absent: [{ "anything-but": "x" }] } }, false],
  [{ detail: { absent: [{ exists: false }] } }, true],
  [{ detail: { state: [{ exists: true }] } }, true],
  [{ detail: { host: { name: [{ exists: true }] } } }, true],
  [{ detail: { state: { deeper: [{ exists: false }] } } }, true],
])("%j matches: %s", (pattern, matches) => {
  expect(compilePattern(pattern)(event)).toBe(matches);
});

test.each([
  [{ detail: { count: [{ numeric: [">", 1] }] } }, /detail\.count.*numeric/],
  [{ source: [{ suffix: "l" }] }, /suffix/],
  [{ source: "lull" }, /must be an object/],
  [{ source: [] }, /empty list/],
  [{ source: [{ prefix: "a", exists: true }] }, /no matcher/],
])("%j is refused", (pattern, message) => {
  expect(() => compilePattern(pattern)).toThrow(EventPatternError);
  expect(() => compilePattern(pattern)).toThrow(message);
});
