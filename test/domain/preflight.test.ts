import { describe, expect, test } from "vitest";
import {
  blockersOf,
  type Candidate,
  summaryOf,
  targetFindings,
} from "../../lib/domain/preflight.ts";
import { policiesSchema } from "../../lib/domain/session.ts";
import { aGuest } from "./builders.ts";

const up = { state: "up", status: "enabled", disabledReason: null } as const;

const candidate = (but: Partial<Candidate> = {}): Candidate => ({
  host: "cmp-01",
  service: up,
  hypervisorType: "QEMU",
  duties: [],
  localStorage: false,
  guests: [aGuest()],
  ...but,
});

const rules = (but: object = {}, accept_duties = false) => ({
  policies: policiesSchema.parse(but),
  accept_duties,
});

test("a host whose instances can all be moved is not blocked", () => {
  expect(blockersOf(candidate(), rules())).toEqual([]);
});

test("an instance that Nova is busy with blocks nothing: it is waited for", () => {
  const guests = [aGuest({ taskState: "spawning" })];

  expect(blockersOf(candidate({ guests }), rules())).toEqual([]);
});

test("each instance that cannot move is named, with its class, its rule and what to do", () => {
  const broken = aGuest({ id: "instance-2", name: "db-1", status: "ERROR" });
  const locked = aGuest({ id: "instance-3", locked: true, lockedReason: "month end" });

  expect(blockersOf(candidate({ guests: [aGuest(), broken, locked] }), rules())).toEqual([
    {
      path: "cmp-01/instance-2",
      code: "status_error",
      message: expect.stringMatching(/db-1 \(project project-1\) is ERROR: repair it/),
    },
    {
      path: "cmp-01/instance-3",
      code: "locked",
      message: expect.stringMatching(/is ACTIVE: it is locked \(month end\)/),
    },
  ]);
});

test("what the policies allow to be moved, stopped or left blocks nothing", () => {
  const guests = [
    aGuest({ status: "SHUTOFF" }),
    aGuest({ status: "ERROR" }),
    aGuest({ status: "SHELVED" }),
    aGuest({ locked: true }),
    aGuest({ vnicTypes: ["direct"] }),
  ];
  const allowed = { error: "stay", shelved: "offload", locked: "move", device_bound: "stop_start" };

  expect(blockersOf(candidate({ guests }), rules(allowed))).toEqual([]);
});

const unwell = { state: "down", status: "enabled", disabledReason: null } as const;
const silent = { state: "UNKNOWN", status: "UNKNOWN", disabledReason: null } as const;
const byNova = {
  state: "up",
  status: "disabled",
  disabledReason: "AUTO: Connection to libvirt lost: 1",
} as const;

test.each<[string, Partial<Candidate>, string]>([
  ["without a compute service", { service: null }, "host_unknown"],
  ["whose compute service is down", { service: unwell }, "host_down"],
  ["whose cell does not answer", { service: silent }, "cell_down"],
  ["that Nova disabled by itself", { service: byNova }, "host_auto_disabled"],
  ["that is a bare-metal node", { hypervisorType: "ironic" }, "host_ironic"],
  [
    "that is a bare-metal node and down",
    { hypervisorType: "Ironic", service: unwell },
    "host_ironic",
  ],
])("a host %s is blocked as such, whatever is on it", (_, but, code) => {
  const guests = [aGuest({ status: "ERROR" })];

  expect(blockersOf(candidate({ guests, duties: ["L3 agent"], ...but }), rules())).toEqual([
    { path: "cmp-01", code, message: expect.any(String) },
  ]);
});

test("a host that somebody disabled before is maintained all the same", () => {
  const service = { state: "up", status: "disabled", disabledReason: "burnt DIMM" } as const;

  expect(blockersOf(candidate({ service }), rules())).toEqual([]);
});

describe("a host with other duties", () => {
  const busy = candidate({ duties: ["L3 agent", "cinder-volume"] });

  test("is blocked, and the duties are named", () => {
    expect(blockersOf(busy, rules())).toEqual([
      {
        path: "cmp-01",
        code: "duties",
        message: expect.stringContaining("L3 agent, cinder-volume"),
      },
    ]);
  });

  test("is maintained when its duties are accepted", () => {
    expect(blockersOf(busy, rules({}, true))).toEqual([]);
  });
});

describe("targets that take nothing are named", () => {
  const services = new Map<string, NonNullable<Candidate["service"]>>([
    ["cmp-07", up],
    ["cmp-08", { state: "up", status: "disabled", disabledReason: "burnt DIMM" } as const],
    ["cmp-09", unwell],
  ]);

  test.each([
    ["cmp-08", "target_disabled", "burnt DIMM"],
    ["cmp-09", "target_down", "not up"],
    ["cmp-99", "target_unknown", "no nova-compute"],
  ])("%s: %s", (target, code, words) => {
    expect(targetFindings(["cmp-07", target, target], services)).toEqual([
      { path: target, code, message: expect.stringContaining(words) },
    ]);
  });

  test("others are not", () => {
    expect(targetFindings(["cmp-07"], services)).toEqual([]);
  });
});

describe("the summary", () => {
  test("counts instances by what becomes of them, and names those that are not simply moved live", () => {
    const guests = [
      aGuest({ id: "1" }),
      aGuest({ id: "2", status: "PAUSED" }),
      aGuest({ id: "3", name: "asleep", status: "SHUTOFF" }),
      aGuest({ id: "4", name: "stored", status: "SHELVED" }),
      aGuest({ id: "5", name: "fast", vnicTypes: ["direct"] }),
      aGuest({ id: "6", name: "broken", status: "ERROR" }),
      aGuest({ id: "7", name: "new", status: "BUILD" }),
      aGuest({ id: "8", name: "stuck", status: "RESCUE" }),
    ];
    const summary = summaryOf(
      [candidate({ guests })],
      rules({ shelved: "offload", device_bound: "stop_start", error: "stay" }),
    );

    expect(summary.instances_total).toBe(8);
    expect(summary.by_class).toEqual({
      live: 2,
      cold: 1,
      offload: 1,
      stop_start: 1,
      stay: 1,
      wait: 1,
      blocked: 1,
    });
    expect(summary.notes.map((note) => [note.instance_name, note.class])).toEqual([
      ["asleep", "cold"],
      ["stored", "offload"],
      ["fast", "stop_start"],
      ["broken", "stay"],
      ["new", "wait"],
    ]);
    expect(summary.notes[2]).toEqual({
      host: "cmp-01",
      instance_id: "5",
      instance_name: "fast",
      class: "stop_start",
      why: "it holds a network device (direct) of the host",
    });
  });

  test("adds up the disks that have to be copied: of local hosts, and of what is moved", () => {
    const guests = [
      aGuest({ localDiskGb: 20 }),
      aGuest({ localDiskGb: 40, status: "SHUTOFF" }),
      aGuest({ localDiskGb: 80, status: "RESCUE" }),
    ];
    const hosts = [candidate({ guests, localStorage: true }), candidate({ guests })];

    expect(summaryOf(hosts, rules()).local_disk_gb).toBe(60);
  });
});
