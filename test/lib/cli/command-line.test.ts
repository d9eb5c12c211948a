import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../../lib/cli/commands.ts";
import { parseCommandLine } from "../../../lib/cli/options.ts";
import { parseInstant } from "../../../lib/cli/times.ts";
import { lull, lullHere } from "./lull.ts";

describe("a command line that is wrong ends with 2 and says how it should look", () => {
  test.each([
    ["nothing", [], "Commands"],
    ["an unknown group", ["hsot", "list"], "did you mean host?"],
    ["an unknown verb", ["maintenance", "craete"], "did you mean create?"],
    ["a group alone", ["host"], "goes on with list, show, sync"],
    ["an unknown option", ["host", "list", "--fromat", "json"], "did you mean --format?"],
    ["an option of another command", ["host", "list", "--wait"], '"lull host list" has no option'],
    ["an option without its value", ["host", "list", "--format"], "--format needs a value"],
    ["an option that swallows another", ["host", "list", "-f", "--all"], "-f needs a value"],
    ["a value for a flag", ["host", "list", "--all=yes"], "--all takes no value"],
    ["half a group", ["host", "maintenance"], "goes on with set, unset"],
    ["an unknown verb below a group", ["host", "maintenance", "sett"], "did you mean set?"],
    ["a pause without a word", ["maintenance", "pause", "7f"], "needs --reason"],
    ["an abort without a word", ["maintenance", "abort", "7f"], "needs --reason"],
    ["a freeze without a word", ["freeze"], "needs --reason"],
    ["a label that is none", ["host", "label", "a", "rack"], "neither KEY=VALUE nor KEY-"],
    ["a storage that is none", ["host", "label", "a", "--storage", "ceph"], "local, shared"],
    [
      "a window without end",
      ["maintenance", "create", "--host", "a", "--window", "now"],
      "START/END",
    ],
    [
      "a window that ends first",
      ["maintenance", "create", "--host", "a", "--window", "+2h/now"],
      "ends before it starts",
    ],
    ["half a brake", ["maintenance", "create", "--host", "a", "--per", "zone=all"], "zone=1"],
    [
      "yes and no",
      ["maintenance", "create", "--host", "a", "--canary", "--no-canary"],
      "exclude each other",
    ],
    ["a missing argument", ["host", "show"], "needs HOST"],
    ["a mistake in a command", ["host", "show"], '"lull host show --help" tells more'],
    ["a mistake in a group", ["host", "lst"], '"lull host --help" tells more'],
    ["a mistake in all", ["hsot"], '"lull --help" shows the commands'],
    ["one argument too many", ["host", "show", "a", "b"], 'no use for "b"'],
    ["an unknown format", ["host", "list", "-f", "jsno"], "did you mean json?"],
    ["an endpoint that is none", ["host", "list", "--endpoint", "lull"], "is not an address"],
    ["no host", ["maintenance", "create"], "--host or --hosts-file"],
    [
      "a time without zone",
      ["maintenance", "create", "--host", "a", "--at", "2026-03-01 06:00:00"],
      "2026-03-01T06:00:00Z for UTC",
    ],
    ["a time that is none", ["maintenance", "create", "--host", "a", "--at", "tomorrow"], "--at"],
    [
      "a day that is none",
      ["maintenance", "create", "--host", "a", "--ends-at", "2026-02-31T25:00Z"],
      "--ends-at",
    ],
    [
      "metadata without value",
      ["maintenance", "create", "--host", "a", "--metadata", "x"],
      "KEY=VALUE",
    ],
    [
      "an action without plugin",
      ["maintenance", "create", "--host", "a", "--action", ":x=1"],
      "PLUGIN",
    ],
    [
      "zero hosts at a time",
      ["maintenance", "create", "--host", "a", "--max-parallel", "0"],
      "from 1",
    ],
    ["an interval of words", ["maintenance", "watch", "x", "--interval", "often"], "seconds"],
    [
      "a file that is not there",
      ["maintenance", "create", "--hosts-file", "/nonexistent/hosts"],
      "ENOENT",
    ],
  ])("%s", async (_what, args, words) => {
    const { code, out, err } = await lullHere(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(words);
  });
});

describe("help", () => {
  test("names every command and every exit code", async () => {
    const { code, out } = await lull(["--help"]);
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(out).toContain(`  ${name}`);
    for (const meaning of ["0    done", "2    the command line", "3    blocked", "4    partial"])
      expect(out).toContain(meaning);
  });

  test("of a command has its options and examples", async () => {
    const { out } = await lull(["maintenance", "create", "--help"]);
    expect(out).toContain("--max-parallel N");
    expect(out).toContain("Examples\n  lull maintenance create");
    expect(await lull(["help", "maintenance", "create"])).toMatchObject({ out });
  });

  test.each(
    COMMANDS.flatMap(({ name, examples, options }) =>
      examples.map((example) => ({ name, example, options })),
    ),
  )("the example $example is a valid command line", ({ name, example, options }) => {
    const [shown = ""] = example.split(" | ");
    const argv = [...shown.matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, bare]) => quoted ?? bare ?? "",
    );
    const { words, values } = parseCommandLine(argv);
    expect(words.join(" ").startsWith(name)).toBe(true);
    expect(options).toEqual(expect.arrayContaining([...values.given]));
  });
});

test("so it does as a process", async () => {
  const { code, out, err } = await lull(["maintenance", "craete"]);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain("did you mean create?");
});

describe("a time", () => {
  test.each([
    ["now", "2026-11-22T10:00:00.000Z"],
    ["+30m", "2026-11-22T10:30:00.000Z"],
    ["+1h30m", "2026-11-22T11:30:00.000Z"],
    ["+2d", "2026-11-24T10:00:00.000Z"],
    ["+90s", "2026-11-22T10:01:30.000Z"],
    ["2026-03-01T06:00:00Z", "2026-03-01T06:00:00.000Z"],
    ["2026-03-01 06:00+05:30", "2026-03-01T00:30:00.000Z"],
  ])("%s is %s", (text, instant) => {
    expect(parseInstant("--at", text, Date.parse("2026-11-22T10:00:00Z"))).toBe(instant);
  });
});

test("options may stand anywhere", () => {
  const { words, values } = parseCommandLine(["-f", "json", "host", "--endpoint=http://x", "list"]);
  expect(words).toEqual(["host", "list"]);
  expect(values.text("endpoint")).toBe("http://x");
});

test("the version is the package's", async () => {
  expect((await lull(["--version"])).out).toMatch(/^lull \d+\.\d+\.\d+\n$/);
});

test("a Node that is too old is told so in one line", () => {
  // The version is all that is old here; what runs is the check itself.
  const pretend = `Object.defineProperty(process.versions, "node", { value: "22.17.9" }); await import("./lib/cli/lull.mjs");`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", pretend], {
    encoding: "utf8",
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^lull needs Node 22\.18 or newer, and this is 22\.17\.9: .*\n$/);
});
