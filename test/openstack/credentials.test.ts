import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type Cloud, openCloud } from "../../lib/openstack/cloud.ts";
import { listMigrations } from "../../lib/openstack/compute/migrations.ts";
import { act } from "../../lib/openstack/compute/server-actions.ts";
import { getServer, listServers, liveMigrate } from "../../lib/openstack/compute/servers.ts";
import { listServices } from "../../lib/openstack/compute/services.ts";
import { type CallOptions, callForAnswer, type ServiceClient } from "../../lib/openstack/http.ts";
import { listPorts } from "../../lib/openstack/network/ports.ts";
import { eventually } from "./contract/contract-cloud.ts";
import { healLab, labClouds } from "./lab.ts";
import { cloudConfigOf } from "./lull-on-lab.ts";

const root = join(import.meta.dirname, "../..");
const policy = (service: string) => join(root, "docs/policy", `${service}.yaml`);

const open = async (cloud: string): Promise<Cloud> => openCloud(await cloudConfigOf(cloud));

let admin: Cloud;
let operator: Cloud;
let alice: Cloud;
/** One of alice's, which is in no group. */
let hers: string;

beforeAll(async () => {
  admin = await open(labClouds.admin);
  operator = await open(labClouds.operator);
  alice = await open(labClouds.alice);
  const servers = await listServers(alice.compute);
  hers = servers.find(({ name }) => name === "alpha-06")?.id ?? "";
});

afterAll(healLab);

/** The status of an answer, whatever it is. */
const statusOf = (client: ServiceClient, path: string, options: CallOptions): Promise<number> =>
  callForAnswer(client, path, z.unknown(), options).then(
    ({ status }) => status,
    (error: { readonly status: number }) => error.status,
  );

const post = (body: unknown): CallOptions => ({ method: "POST", body });

describe("the role maintenance_operator", () => {
  it("may do in Nova what docs/policy/nova.yaml grants it, and nothing else", async () => {
    const python = join(import.meta.dirname, "lab/python/allowed.py");
    const { stdout } = await promisify(execFile)("/usr/bin/python3", [python, policy("nova")]);
    const granted = [
      ...(await readFile(policy("nova"), "utf8")).matchAll(/^"(.+?)": ".*maintenance_operator/gm),
    ].map(([, rule]) => rule);
    expect(JSON.parse(stdout)).toEqual(granted.toSorted());
  });

  it("sees every server with its host, and its owner sees none", async () => {
    const [one] = await listServers(operator.compute, { all_tenants: true });
    expect(one?.host).toMatch(/^cmp-/);
    expect((await getServer(alice.compute, hers)).host).toBeNull();
  });

  it("moves a locked instance too, because Nova asks context_is_admin whether a lock counts", async () => {
    const { host } = await getServer(admin.compute, hers);
    await act(alice.compute, hers, { lock: { locked_reason: "test" } });
    try {
      await liveMigrate(operator.compute, hers);
      await eventually("the move of a locked instance", async () => {
        const now = await getServer(admin.compute, hers);
        return now.status === "ACTIVE" && now.host !== host;
      });
    } finally {
      await act(alice.compute, hers, { unlock: null });
    }
  });

  it("cannot unlock it, nor do anything else to an instance but move, stop and start it", async () => {
    const actions: readonly Readonly<Record<string, unknown>>[] = [
      { unlock: null },
      { "os-resetState": { state: "active" } },
      { reboot: { type: "HARD" } },
      { pause: null },
      { suspend: null },
      { shelve: null },
      { rescue: {} },
      { resize: { flavorRef: "1" } },
      { rebuild: { imageRef: "c0ffee00-0000-4000-8000-000000000000" } },
      { createImage: { name: "copy" } },
      { forceDelete: null },
      { evacuate: {} },
      { resetNetwork: null },
      { "os-getConsoleOutput": {} },
    ];
    const statuses = await Promise.all(
      actions.map(async (body) => [
        Object.keys(body)[0],
        await statusOf(operator.compute, `/servers/${hers}/action`, post(body)),
      ]),
    );
    // resetNetwork went with xenapi: 410 for everybody.
    expect(statuses.filter(([name, status]) => name !== "resetNetwork" && status !== 403)).toEqual(
      [],
    );
  });

  it("cannot delete anything, nor change what is not a service's state", async () => {
    const [service] = await listServices(admin.compute, { binary: "nova-compute" });
    const [port] = await listPorts(admin.network, { device_id: hers });
    const project = (await getServer(admin.compute, hers)).project_id;
    const remove: CallOptions = { method: "DELETE" };
    const tries: readonly (readonly [string, ServiceClient, string, CallOptions])[] = [
      ["delete a server", operator.compute, `/servers/${hers}`, remove],
      ["delete a service", operator.compute, `/os-services/${service?.id}`, remove],
      [
        "make a flavor",
        operator.compute,
        "/flavors",
        post({ flavor: { name: "x", vcpus: 1, ram: 1, disk: 1 } }),
      ],
      [
        "make an aggregate",
        operator.compute,
        "/os-aggregates",
        post({ aggregate: { name: "x", availability_zone: null } }),
      ],
      [
        "change a quota",
        operator.compute,
        `/os-quota-sets/${project}`,
        { method: "PUT", body: { quota_set: { cores: 1 } } },
      ],
      ["delete allocations", operator.placement, `/allocations/${hers}`, remove],
      ["delete a provider", operator.placement, `/resource_providers/${service?.id}`, remove],
      ["delete a port", operator.network, `/ports/${port?.id}`, remove],
      [
        "change a port",
        operator.network,
        `/ports/${port?.id}`,
        { method: "PUT", body: { port: { name: "mine" } } },
      ],
      ["delete a binding", operator.network, `/ports/${port?.id}/bindings/${port?.host}`, remove],
      ["list users", operator.identity, "/users", {}],
      ["list projects", operator.identity, "/projects", {}],
    ];
    const statuses = await Promise.all(
      tries.map(async ([what, client, path, options]) => [
        what,
        await statusOf(client, path, options),
      ]),
    );
    expect(statuses.filter(([, status]) => status !== 403)).toEqual([]);
    expect(await getServer(alice.compute, hers)).toMatchObject({ status: "ACTIVE" });
  });

  it("reads what Lull reads, of every project", async () => {
    const [port] = await listPorts(operator.network, { device_id: hers });
    expect(port?.id).toBeDefined();
    const reads: readonly (readonly [ServiceClient, string])[] = [
      [operator.network, `/ports/${port?.id}/bindings`],
      [operator.network, "/agents"],
      [operator.compute, "/os-aggregates"],
      [operator.compute, "/os-server-groups?all_projects=True"],
      [operator.compute, `/servers/${hers}/migrations`],
      [operator.compute, `/servers/${hers}/os-instance-actions`],
      [operator.placement, `/allocations/${hers}`],
      [operator.placement, "/allocation_candidates?resources=VCPU:1"],
    ];
    expect(await Promise.all(reads.map(([client, path]) => statusOf(client, path, {})))).toEqual(
      reads.map(() => 200),
    );
    expect(await listMigrations(operator.compute, { instance_uuid: hers })).not.toEqual([]);
  });

  it("can be carried by an application credential", async () => {
    const { user, secret } = await applicationCredential();
    const bearer = openCloud({
      auth_url: (await cloudConfigOf(labClouds.operator)).auth_url,
      application_credential_id: user,
      application_credential_secret: secret,
      region_name: "RegionOne",
      interface: "public",
      verify: true,
    });
    expect((await listServers(bearer.compute, { all_tenants: true })).length).toBeGreaterThan(0);
    await statusOf(
      operator.identity,
      `/users/${await operatorId()}/application_credentials/${user}`,
      {
        method: "DELETE",
      },
    );
  });
});

/** The user id of the operator, by a token of its own. */
const operatorId = async (): Promise<string> => {
  const token = await operator.token();
  const reply = await fetch(`${await operator.identity.endpoint()}/auth/tokens`, {
    headers: { "x-auth-token": token, "x-subject-token": token },
  });
  return z
    .object({ token: z.object({ user: z.object({ id: z.string() }) }) })
    .parse(await reply.json()).token.user.id;
};

const applicationCredential = async (): Promise<{ user: string; secret: string }> => {
  const { body } = await callForAnswer(
    operator.identity,
    `/users/${await operatorId()}/application_credentials`,
    z.object({ application_credential: z.object({ id: z.string(), secret: z.string() }) }),
    post({
      application_credential: {
        name: `lull-${process.pid}`,
        roles: [{ name: "maintenance_operator" }],
      },
    }),
  );
  return { user: body.application_credential.id, secret: body.application_credential.secret };
};
