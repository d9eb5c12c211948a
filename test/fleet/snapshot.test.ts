import { expect, onTestFinished, test } from "vitest";
import { readFleet } from "../../lib/fleet/snapshot.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { httpTransport } from "../../lib/openstack/transport.ts";
import { virtualClock } from "../../localstack/clock.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf, type HostSpec, type InstanceSpec } from "../../localstack/openstack/spec.ts";
import { aDevice, NOW, SESSION_ID } from "../domain/builders.ts";

const NOTHING_SAID = { instances: new Map(), groups: new Map() };

/** A cloud of three hosts with these instances, read for a session of cmp-01, and what was asked of it. */
const read = async ({
  instances = [],
  owners = new Map(),
  full = false,
  duties = {},
  silentFrom = null,
}: {
  readonly instances?: readonly Omit<InstanceSpec, "project">[];
  readonly owners?: ReadonlyMap<string, string>;
  readonly full?: boolean;
  /** What the first host does besides. */
  readonly duties?: HostSpec["duties"];
  /** The cell falls silent before this list is read. */
  readonly silentFrom?: string | null;
} = {}) => {
  const spec = cloudOf({ hosts: 3, instances: 0 });
  const [first = { name: "cmp-01" }, second = { name: "cmp-02" }, ...others] = spec.hosts;
  const small = { memory_mb: 1_536, memory_ratio: 1 };
  const simulator = await startSimulator({
    clock: virtualClock(Date.parse(NOW)),
    cloud: {
      ...spec,
      hosts: [
        { ...first, duties, ...(full && small) },
        { ...second, disabled_reason: "fan" },
        ...others,
      ],
      instances: instances.map((one) => ({ project: "alpha", ...one })),
    },
  });
  onTestFinished(simulator.close);
  const asked: string[] = [];
  const transport = httpTransport();
  const cloud = openCloud(simulator.config, {
    transport: (request) => {
      if (silentFrom !== null && request.url.includes(silentFrom))
        simulator.happen({ kind: "cell_down", cell: "cell1" });
      asked.push(request.url);
      return transport(request);
    },
  });
  const devices = [...simulator.world.hosts.values()].map(({ name, node_id }) =>
    aDevice(name, {
      hypervisor: { id: node_id, hostname: name, type: "fake", version: 1_000 },
    }),
  );
  const seen = await readFleet(cloud, {
    devices,
    owners,
    sessionId: SESSION_ID,
    hosts: new Set(["cmp-01"]),
  });
  return { fleet: seen.fleetWith(NOTHING_SAID), asked };
};

const TINY = { flavor: "m1.tiny" };

test("a host takes instances if it is enabled and up, and no other session has it", async () => {
  const owners = new Map([["device-cmp-03", "another session"]]);
  const { fleet } = await read({ owners });

  expect(fleet.hosts.map(({ name, takes }) => [name, takes])).toEqual([
    ["cmp-01", true],
    ["cmp-02", false],
    ["cmp-03", false],
  ]);
});

test("a host that another session has disabled is being emptied", async () => {
  const owners = new Map(["cmp-02", "cmp-03"].map((name) => [`device-${name}`, "another session"]));
  const { fleet } = await read({ owners });

  expect(fleet.hosts.map(({ name, leaves }) => [name, leaves])).toEqual([
    ["cmp-01", false],
    ["cmp-02", true],
    ["cmp-03", false],
  ]);
});

const web = { name: "web", ...TINY, host: "cmp-01" };

test.each([
  ["does not answer", "/os-services"],
  ["falls silent before Nova lists its instances", "/ports"],
])("a host whose cell %s is not known to be up, nor to be empty", async (_, silentFrom) => {
  const { fleet } = await read({ instances: [web], silentFrom });

  expect(fleet.hosts[0]).toMatchObject({
    name: "cmp-01",
    takes: false,
    fitness: { service: { state: "UNKNOWN" } },
  });
});

test("what a host does besides running instances is seen, as pre-flight sees it", async () => {
  const { fleet } = await read({ duties: { compute_services: ["nova-conductor"] } });

  expect(fleet.hosts[0]?.fitness.duties).toEqual(["nova-conductor"]);
});

test("a host of the session is counted also when it is full, which Placement's list leaves out", async () => {
  const { fleet } = await read({
    full: true,
    instances: ["a", "b"].map((name) => ({ name, ...TINY, host: "cmp-01" })),
  });

  expect(fleet.hosts.find(({ name }) => name === "cmp-01")).toMatchObject({
    capacity: { MEMORY_MB: 1_024 },
    used: { MEMORY_MB: 1_024 },
  });
});

test("what an instance holds is what Placement has allocated, of every class", async () => {
  const { fleet } = await read({ instances: [{ name: "web", ...TINY, host: "cmp-01" }] });

  expect(fleet.instances).toMatchObject([
    { host: "cmp-01", holds: { MEMORY_MB: 512, VCPU: 1, DISK_GB: 1 } },
  ]);
});

test("what ties an instance to its host is seen where it is about to leave", async () => {
  const { fleet } = await read({
    instances: [
      { name: "nfv", ...TINY, host: "cmp-01", vnic_type: "direct" },
      { name: "web", ...TINY, host: "cmp-03", group: "spread" },
    ],
  });
  const guests = Object.fromEntries(fleet.instances.map(({ guest }) => [guest.name, guest]));

  expect(guests["nfv"]?.vnicTypes).toEqual(["direct"]);
  expect(guests["web"]?.groups).toEqual(["anti-affinity"]);
  const spread = fleet.groups.filter(({ members }) => members.length > 0);
  expect(spread).toMatchObject([{ policy: "anti-affinity", members: [guests["web"]?.id] }]);
});

test("the cloud is asked for lists, and for each host of the session twice more", async () => {
  const { asked } = await read();
  const paths = asked.map((url) => new URL(url).pathname);
  const count = (part: string) => paths.filter((path) => path.includes(part)).length;

  expect(count("/servers/detail")).toBe(1);
  expect(count("/allocation_candidates")).toBe(1);
  expect(count("/ports")).toBe(1);
  expect(count("/allocations")).toBe(1);
});
