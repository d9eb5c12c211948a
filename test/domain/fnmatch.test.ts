import { expect, test } from "vitest";
import { fnmatch } from "../../lib/domain/fnmatch.ts";

const TEXTS = [
  "maintenance.scheduled",
  "maintenance.host",
  "a",
  "b",
  "-",
  "]",
  "[a",
  "z",
  "",
  "^",
  "\\",
  "!",
  "ab",
];

/** Which of the texts Python 3.11's fnmatch.fnmatchcase finds, by pattern. */
const FOUND: readonly (readonly [pattern: string, texts: readonly string[]])[] = [
  [
    "*",
    [
      "maintenance.scheduled",
      "maintenance.host",
      "a",
      "b",
      "-",
      "]",
      "[a",
      "z",
      "",
      "^",
      "\\",
      "!",
      "ab",
    ],
  ],
  ["maintenance.*", ["maintenance.scheduled", "maintenance.host"]],
  ["maintenance.scheduled", ["maintenance.scheduled"]],
  ["Maintenance.*", []],
  ["maintenance.?ost", ["maintenance.host"]],
  ["*.*", ["maintenance.scheduled", "maintenance.host"]],
  ["**d", ["maintenance.scheduled"]],
  ["m*e*d", ["maintenance.scheduled"]],
  ["?", ["a", "b", "-", "]", "z", "^", "\\", "!"]],
  ["[ab]", ["a", "b"]],
  ["[!ab]", ["-", "]", "z", "^", "\\", "!"]],
  ["[a-z]", ["a", "b", "z"]],
  ["[!a-z]", ["-", "]", "^", "\\", "!"]],
  ["[z-a]", []],
  ["[!z-a]", ["a", "b", "-", "]", "z", "^", "\\", "!"]],
  ["[]]", ["]"]],
  ["[!]]", ["a", "b", "-", "z", "^", "\\", "!"]],
  ["[]-a]", ["a", "]", "^"]],
  ["[a-]", ["a", "-"]],
  ["[-a]", ["a", "-"]],
  ["[--a]", ["a", "-", "]", "^", "\\"]],
  ["[a", ["[a"]],
  ["[", []],
  ["[!", []],
  ["[]", []],
  ["[^a]", ["a", "^"]],
  ["[\\]", ["\\"]],
  ["[!!]", ["a", "b", "-", "]", "z", "^", "\\"]],
  ["[a-b-z]", ["a", "b", "-", "z"]],
  ["", [""]],
  ["maintenance.[hs]*", ["maintenance.scheduled", "maintenance.host"]],
  ["[[]a", ["[a"]],
  ["a?", ["ab"]],
  ["*b*", ["b", "ab"]],
];

test.each(FOUND)("the pattern %j matches what Python matches with it", (pattern, texts) => {
  expect(TEXTS.filter((text) => fnmatch(text, pattern))).toEqual(texts);
});

test("a pattern of many stars costs no time", () => {
  expect(fnmatch("a".repeat(5_000), `${"*a".repeat(200)}*b`)).toBe(false);
});
