import { describe, expect, test } from "vitest";
import { dutiesByHost, dutiesOfAgents } from "../../lib/domain/duties.ts";

const agent = (agent_type: string, configurations: Record<string, unknown> = {}) => ({
  host: "cmp-01",
  agent_type,
  configurations,
});

describe("an agent that serves more than its own host is a duty", () => {
  test.each([
    "L3 agent",
    "DHCP agent",
    "OVN Controller Gateway agent",
    "Loadbalancerv2 agent",
    "BGP dynamic routing agent",
  ])("%s", (type) => {
    expect(dutiesOfAgents([agent(type)])).toEqual([{ host: "cmp-01", name: type }]);
  });

  test.each([
    "Open vSwitch agent",
    "Linux bridge agent",
    "NIC Switch agent",
    "OVN Controller agent",
    "OVN Metadata agent",
    "Metadata agent",
  ])("but not %s", (type) => {
    expect(dutiesOfAgents([agent(type)])).toEqual([]);
  });

  test.each([
    ["dvr", 0],
    ["dvr_no_external", 0],
    ["dvr_snat", 1],
    ["legacy", 1],
  ])(
    "an L3 agent in mode %s counts %s times: a distributed router serves its host alone",
    (agent_mode, count) => {
      expect(dutiesOfAgents([agent("L3 agent", { agent_mode })])).toHaveLength(count);
    },
  );
});

test("duties are told by host, each once, backends of a host among them", () => {
  const duties = dutiesByHost([
    { host: "cmp-01@lvm", name: "cinder-volume" },
    { host: "cmp-01@ceph", name: "cinder-volume" },
    { host: "cmp-01", name: "L3 agent" },
    { host: "cmp-10", name: "nova-conductor" },
  ]);

  expect(Object.fromEntries(duties)).toEqual({
    "cmp-01": ["L3 agent", "cinder-volume"],
    "cmp-10": ["nova-conductor"],
  });
});
