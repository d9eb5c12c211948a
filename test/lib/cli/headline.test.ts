import { describe, expect, test } from "vitest";
import { estimateOf } from "../../../lib/cli/estimate.ts";
import { instancesLine, sessionLine } from "../../../lib/cli/headline.ts";
import type { SessionDetail } from "../../../lib/client/maintenance.ts";
import { hostRun, instance, session } from "../client/fake-api.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
const minutes = (count: number) => now + count * 60_000;

const done = (name: string, took: number, over: object = {}) =>
  hostRun(name, {
    phase: "FINISHED",
    outcome: "maintained",
    instances_left: 0,
    started_at: ago(took + 60),
    finished_at: ago(60),
    ...over,
  });
const at = (name: string, phase: string, begun: number, over: object = {}) =>
  hostRun(name, { phase, started_at: ago(begun), ...over });

const running = (
  hosts: ReturnType<typeof hostRun>[],
  fields: object = {},
  over: Partial<SessionDetail> = {},
) => {
  const detail = session("PLANNED_MAINTENANCE", hosts, over);
  return { ...detail, session: { ...detail.session, ...fields } };
};

describe("when a session will end", () => {
  test("is not told before a host is done", () => {
    const detail = running([at("a", "MOVING", 10), hostRun("b")]);
    expect(estimateOf(detail, now)).toBeNull();
    expect(sessionLine(detail, now)).toContain("ETA unknown before a host is done");
  });

  test("is what is left of the host at work and then the others, as long as hosts took so far", () => {
    const detail = running([
      done("a", 20),
      done("b", 40),
      at("c", "MOVING", 10),
      hostRun("d"),
      hostRun("e"),
    ]);
    expect(estimateOf(detail, now)?.at).toBe(minutes(20 + 30 + 30));
  });

  test("is sooner with more hosts at a time", () => {
    const hosts = [done("a", 30), at("c", "MOVING", 10), hostRun("d"), hostRun("e")];
    const alone = estimateOf(running(hosts), now)?.at ?? 0;
    expect(estimateOf(running(hosts, { max_parallel_hosts: 3 }), now)?.at).toBeLessThan(alone);
  });

  test("is as sure as finished hosts were alike, and unsure after one", () => {
    const even = running([done("a", 30), done("b", 30), done("c", 30), hostRun("d")]);
    const uneven = running([done("a", 10), done("b", 30), done("c", 70), hostRun("d")]);
    expect(estimateOf(even, now)?.spread).toBe(0);
    expect(estimateOf(uneven, now)?.spread).toBeGreaterThan(10 * 60_000);
    expect(sessionLine(running([done("a", 30), hostRun("b")]), now)).toContain(
      "ETA 12:30Z (by one host)",
    );
  });

  test("counts neither hosts that failed nor those given back without work", () => {
    const hosts = [
      done("a", 5, { outcome: "failed" }),
      done("b", 5, { outcome: "restored" }),
      hostRun("c"),
    ];
    expect(estimateOf(running(hosts), now)).toBeNull();
  });

  test("does not take a host that is overdue for one that goes back in time", () => {
    expect(estimateOf(running([done("a", 30), at("b", "MOVING", 90)]), now)?.at).toBe(now);
  });

  test("is not told of a session that stands still", () => {
    const held = { control: "paused", holds: [] };
    expect(sessionLine(running([done("a", 30), hostRun("b")], {}, held), now)).not.toContain("ETA");
  });
});

describe("the first line", () => {
  test("says who paused, how hosts stand, and what does not fit into the window", () => {
    const detail = running(
      [
        done("a", 30),
        done("b", 5, { outcome: "failed" }),
        at("c", "IN_MAINTENANCE", 10),
        at("d", "VERIFYING", 25),
        at("e", "CORDONED", 5),
        hostRun("f"),
      ],
      { ends_at: ago(-45) },
      {
        attention: [
          {
            code: "host_held",
            host: "c",
            instance: null,
            since: ago(1),
            message: "waits for release",
            what_happens_next: "",
          },
        ],
      },
    );
    expect(sessionLine(detail, now)).toBe(
      "session 7f3c0000  PLANNED_MAINTENANCE  0%  1 done 1 cordoned 1 held 1 coming back 1 failed 1 waiting  ETA 12:50Z (by one host)  window ends 12:45Z: 1 will not fit",
    );
  });

  test("names the next window when none is open", () => {
    const next_windows = [{ starts_at: "2026-11-23T01:00:00Z", ends_at: "2026-11-23T05:00:00Z" }];
    const detail = running([hostRun("a")], { ends_at: ago(5), next_windows });
    expect(sessionLine(detail, now)).toContain("window begins 2026-11-23 01:00Z");
    expect(sessionLine(running([hostRun("a")], { ends_at: ago(5) }), now)).toContain(
      "window ended 11:55Z",
    );
  });

  test.each([
    [
      { aborted: { by: "kim", at: ago(5), reason: "wrong rack" } },
      "ABORTING by kim 11:55Z (wrong rack)",
    ],
    [
      {
        control: "paused",
        holds: [
          { code: "operator", by: "kim", at: ago(5), reason: "storm" },
          { code: "breaker", by: "lull", at: ago(4), reason: "2 hosts failed" },
        ],
      },
      "PAUSED by kim 11:55Z (storm) and 1 more hold",
    ],
  ])("says who stopped it and in which words: %o", (over, words) => {
    expect(sessionLine(running([hostRun("a")], {}, over), now)).toContain(words);
  });
});

describe("the second line", () => {
  test("names instances that are down by us, until their host is back", () => {
    const hosts = [
      at("a", "IN_MAINTENANCE", 10, {
        stopped: ["vm-1"],
        alarm: { at: ago(2), why: "vm-2 is in ERROR after its move" },
      }),
      done("b", 30, { stopped: ["vm-3"] }),
    ];
    const detail = running(hosts, {}, { instances: [instance("vm-1", { instance_name: "db" })] });
    expect(instancesLine(detail, now, now)).toBe(
      "instances down, paused or in ERROR by us: 1: db (read 12:00:00Z)  alarm 11:58Z a: vm-2 is in ERROR after its move",
    );
  });

  test("tells how old it is when it is, and of the reserve only where there is one", () => {
    const detail = running([hostRun("a")], { reserve_hosts: 1 });
    expect(instancesLine(detail, now, now - 60_000)).toBe(
      "instances down, paused or in ERROR by us: 0 (read 11:59:00Z, 1m00s old)  reserve 1 host per zone: no shortage told",
    );
    const short = {
      code: "below_reserve",
      host: null,
      instance: null,
      since: ago(1),
      message: "az2 is 1 host short",
      what_happens_next: "",
    };
    expect(instancesLine({ ...detail, attention: [short] }, now, now)).toContain(
      "reserve: az2 is 1 host short",
    );
  });
});
