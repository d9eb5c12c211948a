import { describe, expect, test } from "vitest";
import { type Limits, objectionsTo } from "../../lib/domain/admission.ts";
import type { Device } from "../../lib/domain/device.ts";
import { later } from "../../lib/domain/instant.ts";
import { newSessionSchema } from "../../lib/domain/session.ts";
import { aDevice, NOW } from "./builders.ts";

const LIMITS: Limits = {
  now: NOW,
  actionMinutes: 240,
  maxHosts: 2_000,
  maxZonePercent: 100,
  hostsInZone: new Map(),
  noticeMinutes: 0,
};

const fleet = (...devices: Device[]) => new Map(devices.map((device) => [device.name, device]));

const { service } = aDevice("any");
const disabled = aDevice("cmp-03", {
  service: { ...service, status: "disabled", disabled_reason: "bad DIMM" },
});
const down = aDevice("cmp-04", { service: { ...service, state: "down" } });
const gone = aDevice("cmp-05", { gone: true });
const ironic = aDevice("cmp-06", {
  hypervisor: { id: "node", hostname: "node", type: "ironic", version: 1 },
});
const cloud = fleet(
  aDevice("cmp-01", { labels: { rack: "r1" } }),
  aDevice("cmp-02"),
  disabled,
  down,
  gone,
  ironic,
);

/** What is objected to, as `path code`. */
const objections = (request: object, limits: Partial<Limits> = {}): string[] =>
  objectionsTo(
    newSessionSchema.parse({ hosts: ["cmp-01"], maintenance_at: NOW, ...request }),
    cloud,
    { ...LIMITS, ...limits },
  ).map(({ path, code }) => `${path} ${code}`);

test("a sound request meets no objection", () => {
  expect(objections({ targets: ["cmp-02"], ends_at: later(NOW, 3600) })).toEqual([]);
});

test("a host that is to be emptied onto itself alone is refused", () => {
  expect(objections({ targets: ["cmp-01"] })).toEqual(["targets target_is_host"]);
  expect(objections({ targets: ["cmp-01", "cmp-02"] })).toEqual([]);
});

test("projects get the notice they were promised, unless it is an emergency", () => {
  const promised = { noticeMinutes: 60 };
  const soon = { maintenance_at: later(NOW, 59 * 60) };

  expect(objections(soon, promised)).toEqual(["maintenance_at too_soon"]);
  expect(objections({ maintenance_at: later(NOW, 3600) }, promised)).toEqual([]);
  expect(objections({ ...soon, emergency: "the cooling fails" }, promised)).toEqual([]);
  expect(objections({ ...soon, profile: "doctor" }, promised)).toEqual([]);
});

test("every objection is told at once, each with its place in the request", () => {
  expect(objections({ hosts: ["cmp-01", "cmp-99"], targets: ["cmp-03", "cmp-98"] })).toEqual([
    "hosts.1 host_unknown",
    "targets.0 target_disabled",
    "targets.1 host_unknown",
  ]);
});

describe("a host", () => {
  test.each([
    ["cmp-99", "host_unknown"],
    ["cmp-05", "host_unknown"],
    ["cmp-06", "host_ironic"],
  ])("%s is refused as %s", (host, code) => {
    expect(objections({ hosts: [host] })).toEqual([`hosts.0 ${code}`]);
  });

  test.each(["cmp-03", "cmp-04"])("%s may be disabled or down: it is to be repaired", (host) => {
    expect(objections({ hosts: [host] })).toEqual([]);
  });
});

describe("a target", () => {
  test.each([
    ["cmp-99", "host_unknown"],
    ["cmp-05", "host_unknown"],
    ["cmp-06", "host_ironic"],
    ["cmp-03", "target_disabled"],
    ["cmp-04", "target_down"],
  ])("%s is refused as %s", (target, code) => {
    expect(objections({ targets: [target] })).toEqual([`targets.0 ${code}`]);
  });

  test("that is disabled is refused with the reason that stands at Nova", () => {
    const request = newSessionSchema.parse({ maintenance_at: NOW, targets: ["cmp-03"] });

    expect(objectionsTo(request, cloud, LIMITS)[0]?.message).toContain("bad DIMM");
  });
});

describe("the start", () => {
  test("may lie a little in the past: clocks differ and people are slow", () => {
    expect(objections({ maintenance_at: later(NOW, -300) })).toEqual([]);
    expect(objections({ maintenance_at: later(NOW, -301) })).toEqual([
      "maintenance_at in_the_past",
    ]);
  });

  test("is before the end", () => {
    expect(objections({ ends_at: NOW })).toEqual(["ends_at before_start"]);
    expect(objections({ ends_at: later(NOW, 1) })).toEqual([]);
  });
});

describe("a webhook", () => {
  test.each([{}, { url: "" }, { url: "cmp-01:8080" }, { url: "file:///etc/passwd" }])(
    "with %j is refused: it needs an http(s) URL",
    (metadata) => {
      expect(objections({ actions: [{ plugin: "webhook", metadata }] })).toEqual([
        "actions.0.metadata.url url_missing",
      ]);
    },
  );

  test("with a URL is taken, and a hold needs none", () => {
    const webhook = { plugin: "webhook", metadata: { url: "https://worker.example/start" } };

    expect(objections({ actions: [webhook, { plugin: "hold" }] })).toEqual([]);
  });
});

describe("an action", () => {
  const objectionsToHold = (metadata: object) =>
    objections({ actions: [{ plugin: "hold", metadata }] });

  test.each(["abc", "", 0, -1, 0.5, 1e15, LIMITS.actionMinutes * 60 + 1])(
    "cannot last %j seconds",
    (seconds) => {
      expect(objectionsToHold({ seconds })).toEqual(["actions.0.metadata.seconds out_of_range"]);
    },
  );

  test("cannot be given more time than the operator allows", () => {
    expect(objectionsToHold({ ttl_minutes: LIMITS.actionMinutes + 1 })).toEqual([
      "actions.0.metadata.ttl_minutes out_of_range",
    ]);
  });

  test("may last as long as the operator allows, in numbers or their text", () => {
    expect(objectionsToHold({ seconds: LIMITS.actionMinutes * 60, ttl_minutes: "5" })).toEqual([]);
  });
});

describe("windows", () => {
  const window = (from: number, to: number) => ({
    starts_at: later(NOW, from * 3600),
    ends_at: later(NOW, to * 3600),
  });
  const ends_at = later(NOW, 3600);

  test("come in order, and may touch", () => {
    expect(objections({ ends_at, next_windows: [window(1, 2), window(24, 26)] })).toEqual([]);
  });

  test("that overlap, or are out of order, are refused", () => {
    expect(objections({ ends_at, next_windows: [window(0.5, 2)] })).toEqual([
      "next_windows.0.starts_at windows_overlap",
    ]);
    expect(objections({ ends_at, next_windows: [window(24, 26), window(2, 3)] })).toEqual([
      "next_windows.1.starts_at windows_overlap",
    ]);
  });

  test("after one without an end never come", () => {
    expect(objections({ next_windows: [window(1, 2)] })).toEqual(["ends_at end_missing"]);
  });

  test("of which none is long enough for a host are refused; touching ones are one", () => {
    const next_windows = [window(1, 2)];

    expect(objections({ ends_at, next_windows, host_minutes: 121 })).toEqual([
      "host_minutes windows_too_short",
    ]);
    expect(objections({ ends_at, next_windows, host_minutes: 120 })).toEqual([]);
    expect(objections({ host_minutes: 10_000 })).toEqual([]);
  });
});

describe("the size of a session", () => {
  test("is limited by the operator, each host counted once", () => {
    const hosts = ["cmp-01", "cmp-02", "cmp-01"];

    expect(objections({ hosts }, { maxHosts: 1 })).toEqual(["hosts too_many_hosts"]);
    expect(objections({ hosts }, { maxHosts: 2 })).toEqual([]);
  });

  test("is limited to a share of each zone", () => {
    const hostsInZone = new Map([["nova", 4]]);
    const hosts = ["cmp-01", "cmp-02"];

    expect(objections({ hosts }, { hostsInZone, maxZonePercent: 49 })).toEqual([
      "hosts too_much_of_zone",
    ]);
    expect(objections({ hosts }, { hostsInZone, maxZonePercent: 50 })).toEqual([]);
  });
});

describe("brakes", () => {
  test("go by zone, cell, or a label that one of the hosts has", () => {
    const hosts = ["cmp-01", "cmp-02"];

    expect(objections({ hosts, max_parallel_per: { zone: 2, cell: 1, rack: 1 } })).toEqual([]);
    expect(objections({ hosts: ["cmp-02"], max_parallel_per: { rack: 1 } })).toEqual([
      "max_parallel_per.rack label_unknown",
    ]);
  });

  test("have no soak without a canary", () => {
    expect(objections({ canary: false, soak_minutes: 10 })).toEqual(["soak_minutes no_canary"]);
    expect(objections({ soak_minutes: 10 })).toEqual([]);
  });
});

test("hosts may be retired with work done on them before", () => {
  expect(objections({ retire: true, actions: [{ plugin: "hold" }] })).toEqual([]);
});
