import { expect, test } from "vitest";
import { blockersOf, type Candidate } from "../../lib/domain/preflight.ts";

const guest = {
  id: "instance-1",
  name: "web-1",
  projectId: "project-1",
  status: "ACTIVE",
  taskState: null,
  locked: false,
  extraSpecs: {},
};

const candidate = (but: Partial<Candidate> = {}): Candidate => ({
  host: "cmp-01",
  state: "up",
  hypervisorType: "QEMU",
  guests: [guest],
  ...but,
});

test("a host whose instances can all be moved is not blocked", () => {
  expect(blockersOf(candidate())).toEqual([]);
});

test("an instance that Nova is busy with blocks nothing: it is waited for", () => {
  expect(blockersOf(candidate({ guests: [{ ...guest, taskState: "spawning" }] }))).toEqual([]);
});

test("each instance that cannot move is named, with its rule and what to do", () => {
  const stopped = { ...guest, id: "instance-2", name: "db-1", status: "SHUTOFF" };
  const locked = { ...guest, id: "instance-3", locked: true };

  expect(blockersOf(candidate({ guests: [guest, stopped, locked] }))).toEqual([
    {
      path: "cmp-01/instance-2",
      code: "status_shutoff",
      message: expect.stringMatching(/db-1 \(project project-1\) is SHUTOFF: start it/),
    },
    { path: "cmp-01/instance-3", code: "locked", message: expect.stringContaining("unlocks") },
  ]);
});

test.each<[string, Partial<Candidate>, string]>([
  ["without a compute service", { state: null }, "host_unknown"],
  ["whose compute service is down", { state: "down" }, "host_down"],
  ["that is a bare-metal node", { hypervisorType: "ironic" }, "host_ironic"],
  [
    "that is a bare-metal node and down",
    { hypervisorType: "Ironic", state: "down" },
    "host_ironic",
  ],
])("a host %s is blocked as such, whatever is on it", (_, but, code) => {
  const guests = [{ ...guest, status: "ERROR" }];

  expect(blockersOf(candidate({ guests, ...but }))).toEqual([
    { path: "cmp-01", code, message: expect.any(String) },
  ]);
});
