import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { capacityVerdict, shortagesOn } from "../../lib/domain/capacity-check.ts";
import type { HostRoom } from "../../lib/domain/plan/reserve.ts";
import type { Candidate } from "../../lib/domain/preflight.ts";
import { policiesSchema, type Session } from "../../lib/domain/session.ts";
import { aGuest } from "./builders.ts";

const room = (host: string, memoryUsed: number, but: Partial<HostRoom> = {}): HostRoom => ({
  host,
  zone: "az1",
  capacity: { MEMORY_MB: 100, VCPU: 100 },
  used: { MEMORY_MB: memoryUsed, VCPU: 0 },
  takes: true,
  leaves: false,
  ...but,
});

const needing = (memory: number, VCPU = 0, but: Parameters<typeof aGuest>[0] = {}) =>
  aGuest({ needs: { MEMORY_MB: memory, VCPU }, ...but });

const on = (host: string, guests: Candidate["guests"]): Candidate => ({
  host,
  service: { state: "up", status: "enabled", disabledReason: null },
  hypervisorType: "QEMU",
  duties: [],
  localStorage: false,
  guests,
});

type Rules = Pick<Session, "policies" | "targets" | "reserve_hosts" | "workflow">;
const rules = (but: Partial<Rules> = {}): Rules => ({
  policies: policiesSchema.parse({}),
  targets: [],
  reserve_hosts: 0,
  workflow: "default",
  ...but,
});

const capacityOn = (
  candidates: readonly Candidate[],
  rooms: readonly HostRoom[],
  those: Rules,
  askable: readonly string[] = [],
) => capacityVerdict(shortagesOn(candidates, rooms, those), those, new Set(askable));

const NOTHING = { findings: [], warnings: [] };
const blocked = {
  findings: [{ path: "cmp-01", code: "capacity_short", message: expect.any(String) }],
  warnings: [],
};
const warned = {
  findings: [],
  warnings: [{ code: "capacity_short", message: expect.stringMatching(/^cmp-01: /) }],
};

test("what fits is no matter", () => {
  const rooms = [room("cmp-01", 60), room("cmp-02", 40)];

  expect(capacityOn([on("cmp-01", [needing(60)])], rooms, rules())).toEqual(NOTHING);
});

describe("a host whose instances could not fit even with all hosts in service", () => {
  const hosts = [on("cmp-01", [needing(30), needing(31)])];
  const rooms = [room("cmp-01", 61), room("cmp-02", 70), room("cmp-03", 70, { takes: false })];

  test("blocks, and both figures are told", () => {
    const { findings } = capacityOn(hosts, rooms, rules());

    expect(findings).toEqual(blocked.findings);
    expect(findings[0]?.message).toMatch(/need 61 MiB of memory.*zone az1 has 60/);
  });

  test("only warns where owners decide", () => {
    expect(capacityOn(hosts, rooms, rules({ workflow: "vnf" }))).toEqual(warned);
  });

  test("only warns where one of its owners can be asked to scale in", () => {
    const owner = hosts[0]?.guests[0]?.projectId ?? "";

    expect(capacityOn(hosts, rooms, rules(), [owner])).toEqual(warned);
    expect(capacityOn(hosts, rooms, rules(), ["another"])).toEqual(blocked);
  });

  test("only warns where another host's owner in its zone can be asked, too", () => {
    const [one] = hosts;
    const other = on("cmp-02", [needing(1, 0, { projectId: "neighbour" })]);
    const far = on("cmp-09", [needing(0, 0, { projectId: "far" })]);
    const all = [...rooms, room("cmp-09", 0, { zone: "az9" })];
    const ask = (id: string) =>
      capacityOn(one ? [one, other, far] : [], all, rules(), [id]).findings;

    expect(ask("neighbour")).toEqual([]);
    expect(ask("far")).toMatchObject([{ path: "cmp-01" }]);
  });
});

test("room on other zones' hosts does not count", () => {
  const rooms = [room("cmp-01", 60), room("cmp-02", 50), room("cmp-03", 0, { zone: "az2" })];

  expect(capacityOn([on("cmp-01", [needing(60)])], rooms, rules())).toEqual(blocked);
});

test("with targets named, only their room counts", () => {
  const rooms = [room("cmp-01", 60), room("cmp-02", 0), room("cmp-03", 50)];
  const hosts = [on("cmp-01", [needing(60)])];

  expect(capacityOn(hosts, rooms, rules({ targets: ["cmp-03"] }))).toEqual(blocked);
  expect(capacityOn(hosts, rooms, rules({ targets: ["cmp-02", "cmp-03"] }))).toEqual(NOTHING);
});

test("processors count like memory", () => {
  const rooms = [room("cmp-01", 0), room("cmp-02", 0)];

  expect(capacityOn([on("cmp-01", [needing(1, 101)])], rooms, rules())).toEqual(blocked);
});

test("room that is out of service now is a warning: it may come back", () => {
  const rooms = [room("cmp-01", 60), room("cmp-02", 0, { takes: false })];

  expect(capacityOn([on("cmp-01", [needing(60)])], rooms, rules())).toEqual(warned);
});

test("the reserve is left alone, and eating into it is a warning", () => {
  const rooms = [room("cmp-01", 60), room("cmp-02", 0), room("cmp-03", 50)];
  const hosts = [on("cmp-01", [needing(60)])];

  expect(capacityOn(hosts, rooms, rules({ reserve_hosts: 1 }))).toEqual(warned);
  expect(capacityOn(hosts, rooms, rules({ reserve_hosts: 0 }))).toEqual(NOTHING);
});

test("what is not moved needs no room", () => {
  const rooms = [room("cmp-01", 100), room("cmp-02", 100)];
  const guests = [needing(50, 0, { status: "SHUTOFF" }), needing(50, 0, { vnicTypes: ["direct"] })];
  const policies = policiesSchema.parse({ shutoff: "stay", device_bound: "stop_start" });

  expect(capacityOn([on("cmp-01", guests)], rooms, rules({ policies }))).toEqual(NOTHING);
});

test("more room never makes it worse", () => {
  const verdict = (rooms: HostRoom[], memory: number) => {
    const found = capacityOn([on("cmp-01", [needing(memory)])], rooms, rules({ reserve_hosts: 1 }));
    return found.findings.length * 2 + found.warnings.length;
  };
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 5 }),
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 100 }),
      (used, memory, another) => {
        const rooms = [room("cmp-01", 100), ...used.map((amount, n) => room(`other-${n}`, amount))];

        expect(verdict([...rooms, room("more", another)], memory)).toBeLessThanOrEqual(
          // A further host of the same size leaves the reserve as it is.
          verdict(rooms, memory),
        );
      },
    ),
  );
});
