import { describe, expect, onTestFinished, test } from "vitest";
import type { Session } from "../../lib/domain/session.ts";
import { type Askable, inspect } from "../../lib/fleet/inspection.ts";
import { type CloudConfig, openCloud } from "../../lib/openstack/cloud.ts";
import { httpTransport } from "../../lib/openstack/transport.ts";
import { virtualClock } from "../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import {
  type CloudSpec,
  cloudOf,
  type HostSpec,
  type InstanceSpec,
} from "../../localstack/openstack/spec.ts";
import { aDevice, aSession, NOW } from "../domain/builders.ts";

type Change = {
  readonly cloud?: Partial<CloudSpec>;
  readonly host?: Omit<HostSpec, "name">;
  readonly instances?: readonly Omit<InstanceSpec, "project" | "host">[];
};

/** A cloud of three hosts, all that is asked for on cmp-01, and its clock at NOW. */
const simulate = async ({ cloud, host, instances = [] }: Change = {}): Promise<Simulator> => {
  const spec = cloudOf({ hosts: 3, instances: 0 });
  const [first = { name: "cmp-01" }, ...others] = spec.hosts;
  const simulator = await startSimulator({
    clock: virtualClock(Date.parse(NOW)),
    cloud: {
      ...spec,
      hosts: [{ ...first, ...host }, ...others],
      instances: instances.map((one) => ({ project: "alpha", host: "cmp-01", ...one })),
      ...cloud,
    },
  });
  onTestFinished(simulator.close);
  return simulator;
};

/** Looks at cmp-01, as the cloud's admin unless told otherwise. */
const nobody = async () => new Set<string>();

const look = async (
  { world, config }: Simulator,
  but: Partial<Session> & { readonly as?: CloudConfig; readonly local?: boolean } = {},
  askable: Askable = nobody,
) => {
  const asked: string[] = [];
  const transport = httpTransport();
  const cloud = openCloud(but.as ?? config, {
    transport: (request) => {
      if (!request.url.includes("/identity")) asked.push(request.url);
      return transport(request);
    },
  });
  const session = aSession({ hosts: ["cmp-01"], reserve_hosts: 0, ...but });
  const devices = [...world.hosts.values()].map(({ name, node_id, zone }) =>
    aDevice(name, {
      zone,
      instance_storage: but.local ? "local" : null,
      hypervisor: { id: node_id, hostname: name, type: "fake", version: 1_000 },
    }),
  );
  const fleet = {
    devices: new Map(devices.map((device) => [device.name, device])),
    owners: new Map(),
  };
  return { ...(await inspect(cloud, session, session.hosts, fleet, askable, NOW)), asked };
};

const small = { flavor: "m1.small" };

test("a host whose instances can all be moved gives no findings, and a count of them", async () => {
  const simulator = await simulate({
    instances: [
      { name: "web", ...small },
      { name: "asleep", ...small, vm_state: "stopped" },
    ],
  });
  const { findings, summary, warnings } = await look(simulator, { local: true });

  expect([findings, warnings]).toEqual([[], []]);
  expect(summary).toEqual({
    instances_total: 2,
    by_class: { live: 1, cold: 1 },
    local_disk_gb: 40,
    notes: [expect.objectContaining({ host: "cmp-01", instance_name: "asleep", class: "cold" })],
  });
});

test("what ports, groups, flavors, images and volumes say of an instance is seen", async () => {
  const flavors = [
    { name: "m1.small", vcpus: 1, ram: 2_048, disk: 20, extra_specs: {} },
    { name: "gpu", vcpus: 1, ram: 2_048, disk: 20, extra_specs: { "resources:VGPU": "1" } },
  ];
  const groups = [
    { name: "together", project: "alpha", policy: "affinity" },
    { name: "rather", project: "alpha", policy: "soft-affinity" },
  ] as const;
  const simulator = await simulate({
    cloud: { flavors, groups: [...groups], nova_microversion: "2.98" },
    instances: [
      { name: "sriov", ...small, vnic_type: "direct" },
      { name: "twin", ...small, group: "together" },
      { name: "friend", ...small, group: "rather" },
      { name: "painter", flavor: "gpu" },
      { name: "secret", ...small, image_properties: { hw_tpm_version: "2.0" } },
      { name: "kept", ...small, locked: true },
      { name: "on-volume", ...small, volumes: 1 },
    ],
  });
  const { findings, summary } = await look(simulator, { local: true });
  const named = findings.map(({ code, message }) => [message.split(" ")[0], code]);

  expect(Object.fromEntries(named)).toEqual({
    sriov: "device_bound",
    twin: "hard_affinity",
    painter: "device_bound",
    secret: "device_bound",
    kept: "locked",
  });
  expect(summary.by_class).toEqual({ blocked: 5, live: 2 });
  expect(summary.local_disk_gb).toBe(20);
});

describe("a host that does more than compute", () => {
  const host = {
    duties: {
      compute_services: ["nova-conductor"],
      agents: [
        { agent_type: "L3 agent", configurations: { agent_mode: "legacy" } },
        { agent_type: "OVN Controller Gateway agent" },
      ],
      volume_backends: ["lvm"],
    },
  };

  test("is named with all its duties", async () => {
    const { findings } = await look(await simulate({ host }));

    expect(findings).toEqual([
      {
        path: "cmp-01",
        code: "duties",
        message: expect.stringContaining(
          "L3 agent, OVN Controller Gateway agent, cinder-volume, nova-conductor",
        ),
      },
    ]);
  });

  test("is maintained when that is accepted", async () => {
    const { findings } = await look(await simulate({ host }), { accept_duties: true });

    expect(findings).toEqual([]);
  });

  test("elsewhere is nobody's business", async () => {
    const { findings } = await look(await simulate({ host }), { hosts: ["cmp-02"] });

    expect(findings).toEqual([]);
  });
});

test.each<[string, Omit<HostSpec, "name">, string]>([
  ["is a bare-metal node", { hypervisor_type: "ironic" }, "host_ironic"],
  ["is down", { forced_down: true }, "host_down"],
  [
    "was disabled by Nova itself",
    { disabled_reason: "AUTO: Connection to libvirt lost: 1" },
    "host_auto_disabled",
  ],
])("a host that %s is refused", async (_, host, code) => {
  const { findings } = await look(await simulate({ host }));

  expect(findings).toMatchObject([{ path: "cmp-01", code }]);
});

test("a host that is not there, and one whose cell does not answer, are told apart", async () => {
  const simulator = await simulate({ host: { cell: "cell2" } });
  simulator.happen({ kind: "cell_down", cell: "cell2" });
  const { findings } = await look(simulator, { hosts: ["cmp-01", "cmp-99"] });

  expect(findings).toMatchObject([
    { path: "cmp-01", code: "cell_down" },
    { path: "cmp-99", code: "host_unknown" },
  ]);
});

describe("room", () => {
  const crowded = {
    cloud: {
      hosts: [
        { name: "cmp-01", memory_mb: 8_192, memory_ratio: 1 },
        { name: "cmp-02", memory_mb: 2_560, memory_ratio: 1 },
        { name: "cmp-03", memory_mb: 2_560, memory_ratio: 1, disabled_reason: "burnt DIMM" },
      ],
    },
  };
  const guests = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ name: `web-${n}`, ...small }));

  test("that will never be there blocks", async () => {
    const { findings } = await look(await simulate({ ...crowded, instances: guests(3) }));

    expect(findings).toMatchObject([{ path: "cmp-01", code: "capacity_short" }]);
  });

  test("that will never be there asks nobody who listens where owners decide anyway", async () => {
    const simulator = await simulate({ ...crowded, instances: guests(3) });
    const unwell = () => Promise.reject(new Error("Aodh is unwell"));
    const { findings, warnings } = await look(simulator, { workflow: "vnf" }, unwell);

    expect(findings).toEqual([]);
    expect(warnings).toMatchObject([{ code: "capacity_short" }]);
  });

  test("that is only out of service now is a warning", async () => {
    const { findings, warnings } = await look(await simulate({ ...crowded, instances: guests(2) }));

    expect(findings).toEqual([]);
    expect(warnings).toMatchObject([{ code: "capacity_short" }]);
  });
});

describe("the engine's access", () => {
  const asCredential = async (simulator: Simulator): Promise<CloudConfig> => {
    const { auth_url, region_name } = simulator.config;
    const { user } = await openCloud(simulator.config).whoami();
    return {
      auth_url,
      interface: "public",
      verify: true,
      ...(region_name !== undefined && { region_name }),
      application_credential_id: user.id,
      application_credential_secret: "lab",
    };
  };

  test.each([
    ["before the session's end is refused", "2026-11-22T12:00:00.000Z", ["credential_expires"]],
    ["after it is not", "2026-11-22T10:30:00.000Z", []],
  ])("that expires %s", async (_, ends_at, codes) => {
    const simulator = await simulate({
      cloud: { application_credential_expires_at: "2026-11-22T11:00:00Z" },
    });
    const { findings } = await look(simulator, { ends_at, as: await asCredential(simulator) });

    expect(findings.map(({ code }) => code)).toEqual(codes);
  });

  test("that may not read what is needed is named by call, each once", async () => {
    const simulator = await simulate({ instances: [{ name: "web", ...small }] });
    for (const path of ["^/os-services", "^/v2.0/agents", "^/os-migrations"])
      simulator.happen({ kind: "fault", fault: { path, effect: { kind: "error", status: 403 } } });
    const { findings } = await look(simulator, { hosts: ["cmp-01", "cmp-02"] });

    expect(findings.map(({ code }) => code)).toEqual(Array(3).fill("credential_lacks"));
    expect(findings.map(({ message }) => message.split(/[?:]/)[0])).toEqual([
      "GET compute/os-services",
      "GET network/agents",
      "GET compute/os-migrations",
    ]);
  });

  test("of a role with the policies we ship is enough", async () => {
    const simulator = await simulate({ instances: [{ name: "web", ...small }] });
    const { findings } = await look(simulator, { as: simulator.operator });

    expect(findings).toEqual([]);
  });

  test("that lists instances and cannot look at any is found out", async () => {
    const simulator = await simulate({
      cloud: { context_is_admin: ["admin"] },
      instances: [{ name: "web", ...small }],
    });
    const { findings } = await look(simulator, { as: simulator.operator });

    expect(findings).toMatchObject([
      { code: "credential_lacks", message: expect.stringContaining("context_is_admin") },
    ]);
  });
});

test("a cloud without Cinder and without network agents has no such duties", async () => {
  const simulator = await simulate();
  simulator.happen({
    kind: "fault",
    fault: { service: "network", path: "agents", effect: { kind: "error", status: 404 } },
  });
  const { findings } = await look(simulator);

  expect(findings).toEqual([]);
});

test("each host more costs two calls more, whatever is on it", async () => {
  const simulator = await simulate({
    instances: Array.from({ length: 20 }, (_, n) => ({ name: `web-${n}`, flavor: "m1.tiny" })),
  });
  const one = await look(simulator, { hosts: ["cmp-01"] });
  const three = await look(simulator, { hosts: ["cmp-01", "cmp-02", "cmp-03"] });

  expect(three.asked.length - one.asked.length).toBe(4);
  expect(one.asked.length).toBeLessThan(20);
});

test("a clock that goes wrong is a warning", async () => {
  const simulator = await simulate();
  const cloud = openCloud(simulator.config);
  const fleet = { devices: new Map(), owners: new Map() };
  const session = aSession({ hosts: ["cmp-01"] });
  const { hosts } = session;
  const { warnings } = await inspect(
    cloud,
    session,
    hosts,
    fleet,
    nobody,
    "2026-11-22T10:02:00.000Z",
  );

  expect(warnings).toMatchObject([
    { code: "clock_skew", message: expect.stringContaining("10:00:00") },
  ]);
});
