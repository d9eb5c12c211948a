import { describe, expect, test } from "vitest";
import type { Terminal } from "../../../lib/cli/terminal.ts";
import { viewLines } from "../../../lib/cli/watch-view.ts";
import type { SessionDetail } from "../../../lib/client/maintenance.ts";
import { hostRun, SESSION, session, startApi } from "../client/fake-api.ts";
import { lullHere } from "./lull.ts";

const now = Date.parse("2026-11-22T10:04:10Z");
const screen = { columns: 120, rows: 24 };
const look = (detail: SessionDetail) => ({ detail, readAt: now, now });
const started_at = "2026-11-22T10:00:00Z";

const detail = session(
  "PLANNED_MAINTENANCE",
  [
    hostRun("cmp-01", {
      phase: "FINISHED",
      outcome: "maintained",
      instances_left: 0,
      started_at,
      finished_at: "2026-11-22T10:02:00Z",
    }),
    hostRun("cmp-02"),
    hostRun("cmp-03", {
      phase: "MOVING",
      instances_left: 4,
      started_at,
      details: "vm-4 \u001b[2J",
    }),
  ],
  {
    percent_done: 33,
    control: "paused",
    holds: [{ code: "breaker", by: "lull", at: "2026-11-22T10:03:10Z", reason: "2 hosts failed" }],
    attention: [
      {
        code: "breaker",
        host: null,
        instance: null,
        since: "2026-11-22T10:03:10Z",
        message: "2 hosts failed",
        what_happens_next: "waits for resume",
      },
    ],
  },
);

describe("the screen of a session", () => {
  test("has the session, then what needs a person, then a row per host, those in work first", () => {
    expect(viewLines(look(detail), screen)).toEqual([
      "session 7f3c0000  PAUSED by breaker 10:03Z (2 hosts failed)  33%  1 done 1 moving 1 waiting",
      "instances down, paused or in ERROR by us: 0 (read 10:04:10Z)",
      "now 2026-11-22 10:04:10Z  begins 2026-11-22 10:00:00Z",
      "! session: 2 hosts failed [breaker]  since 10:03Z (1m00s)  owner admin",
      "    next: waits for resume  do: lull maintenance resume 7f3c0000",
      "",
      "HOST    PHASE                  MOVED  ELAPSED  DETAILS",
      "cmp-03  MOVING                 3/7    4m10s    vm-4  [2J",
      "cmp-02  WAITING                0/7",
      "cmp-01  FINISHED (maintained)  7/7    2m00s",
    ]);
  });

  test("fits, and says what it leaves out", () => {
    const many = session(
      "PLANNED_MAINTENANCE",
      Array.from({ length: 100 }, (_, index) =>
        hostRun(`cmp-${index}`, index === 99 ? { phase: "MOVING", started_at } : {}),
      ),
    );
    const lines = viewLines(look(many), { columns: 40, rows: 12 });
    expect(lines.length).toBeLessThan(12);
    expect(lines.every((line) => [...line].length < 40)).toBe(true);
    expect(lines.join("\n")).toContain("cmp-99  MOVING");
    expect(lines.at(-1)).toBe("… and 95 more: 95 WAITING");
  });

  test("says when its figures are old", () => {
    const old = { ...look(detail), readAt: now - 95_000, trouble: "these figures are old: 503" };
    const lines = viewLines(old, screen);
    expect(lines).toContain("! these figures are old: 503");
    expect(lines[1]).toContain("(read 10:02:35Z, 1m35s old)");
  });
});

/** A screen of 24 lines as an ANSI terminal would show it, for the two sequences that are used. */
const screenTerminal = (url: string) => {
  let lines: string[] = [];
  const terminal: Partial<Terminal> = {
    draw: (text) => {
      const [up = "", rest = ""] = text.split("\r\u001b[J");
      lines = [
        ...lines.slice(0, lines.length - Number(/\d+/.exec(up)?.[0] ?? 0)),
        ...rest.split("\n").slice(0, -1),
      ];
    },
    isScreen: true,
    size: () => screen,
    ask: async () => "y",
    now: () => now,
    env: { LULL_TOKEN: "valid", LULL_ENDPOINT: url },
  };
  return { terminal, lines: () => lines };
};

test("is drawn in place: nothing of an older look stays", async () => {
  await using server = await startApi();
  const last = session("MAINTENANCE_DONE", [
    hostRun("cmp-01", { phase: "FINISHED", outcome: "maintained", instances_left: 0 }),
  ]);
  server.world.looks = [detail, detail, last];
  const { terminal, lines } = screenTerminal(server.url);

  const args = ["maintenance", "watch", SESSION, "--interval", "0.05"];
  const { code, err } = await lullHere(args, terminal);

  expect(lines()).toEqual(viewLines(look(last), screen));
  expect({ code, err }).toEqual({ code: 0, err: `session ${SESSION}: 1 of 1 host maintained` });
});

test("a question is answered on the screen", async () => {
  await using server = await startApi();
  server.world.looks = [detail];
  const { terminal } = screenTerminal(server.url);
  const { code } = await lullHere(["maintenance", "create", "--host", "cmp-01"], terminal);
  expect(code).toBe(0);
  expect(server.asked()).toContain("POST /v1/maintenance");
});

test("a no changes nothing", async () => {
  await using server = await startApi();
  const { terminal } = screenTerminal(server.url);
  const refusing = { ...terminal, ask: async () => "n" };
  const { code, err } = await lullHere(["maintenance", "create", "--host", "cmp-01"], refusing);
  expect({ code, err }).toEqual({ code: 1, err: "error: nothing was changed" });
  expect(server.asked()).not.toContain("POST /v1/maintenance");
});
