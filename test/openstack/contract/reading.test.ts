import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type Cloud, computeOfToken } from "../../../lib/openstack/cloud.ts";
import { listAggregates } from "../../../lib/openstack/compute/aggregates.ts";
import { listFlavors } from "../../../lib/openstack/compute/flavors.ts";
import { getHypervisor, listHypervisors } from "../../../lib/openstack/compute/hypervisors.ts";
import { listServerGroups } from "../../../lib/openstack/compute/server-groups.ts";
import { findServer, getServer, listServers } from "../../../lib/openstack/compute/servers.ts";
import {
  disableService,
  enableService,
  getService,
  listServices,
} from "../../../lib/openstack/compute/services.ts";
import { call } from "../../../lib/openstack/http.ts";
import { validateToken } from "../../../lib/openstack/identity/tokens.ts";
import { listAgents } from "../../../lib/openstack/network/agents.ts";
import { listBindings, listPorts } from "../../../lib/openstack/network/ports.ts";
import { candidates } from "../../../lib/openstack/placement/allocation-candidates.ts";
import {
  allocations,
  allocationsOf,
  capacityOf,
  findProvider,
  inventories,
  providersOf,
  traits,
  usages,
} from "../../../lib/openstack/placement/resource-providers.ts";
import { httpTransport } from "../../../lib/openstack/transport.ts";
import { type ContractCloud, openContractCloud, otherHost, someServer } from "./contract-cloud.ts";

let cloud: ContractCloud;
beforeAll(async () => {
  cloud = await openContractCloud();
});
afterAll(() => cloud?.close());

const NOBODY = "00000000-0000-0000-0000-000000000000";

describe("a token", () => {
  it("proves itself", async () => {
    const owner = await validateToken(cloud, await cloud.alice.token());
    expect(owner).toMatchObject({
      user: { name: "alice" },
      project: { name: "alpha" },
      system: false,
    });
    expect(owner.roles).toEqual(expect.arrayContaining(["member", "reader"]));
    expect(owner.roles).not.toContain("admin");
  });

  it("that Keystone never issued is invalid", async () => {
    await expect(validateToken(cloud, "gAAAAABnever")).rejects.toMatchObject({
      name: "InvalidTokenError",
    });
  });
});

describe("Nova, asked with a bare token", () => {
  const seenBy = async (bearer: Cloud, id: string) => {
    const whereabouts = { interface: "public", timeoutMs: 10_000 } as const;
    const keystone = { authUrl: cloud.authUrl, transport: httpTransport() };
    return findServer(computeOfToken(keystone, await bearer.token(), whereabouts), id);
  };

  it("shows a server to its project and to admins with whose it is, and to nobody else", async () => {
    const [server] = await listServers(cloud.alice.compute);
    const { id = "", project_id } = server ?? {};
    const { project } = await validateToken(cloud, await cloud.alice.token());

    expect(project_id).toBe(project?.id);
    expect(await seenBy(cloud.alice, id)).toMatchObject({ id, project_id });
    expect(await seenBy(cloud.admin, id)).toMatchObject({ id, project_id });
    expect(await seenBy(cloud.bob, id)).toBeNull();
    expect(await seenBy(cloud.alice, NOBODY)).toBeNull();
  });
});

describe("compute services", () => {
  it("are listed with their state", async () => {
    const services = await listServices(cloud.admin.compute, { binary: "nova-compute" });
    expect(services).toHaveLength(6);
    expect(services[0]).toMatchObject({ status: "enabled", state: "up", forced_down: false });
    expect(services[0]?.updated_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+$/);
  });

  it("are found by host, and an unknown host has none", async () => {
    const { host } = await otherHost(cloud);
    expect((await getService(cloud.admin.compute, host))?.host).toBe(host);
    expect(await getService(cloud.admin.compute, "nowhere")).toBeUndefined();
  });

  it("take a reason when disabled, show it as MAINTENANCE, and lose it when enabled", async () => {
    const { host } = await someServer(cloud, { grouped: false });
    const service = await getService(cloud.admin.compute, host);
    const id = service?.id ?? "";
    try {
      await disableService(cloud.admin.compute, id, "first");
      expect(await disableService(cloud.admin.compute, id, "second")).toMatchObject({
        status: "disabled",
        state: "up",
        disabled_reason: "second",
      });
      const servers = await listServers(cloud.admin.compute, { host, all_tenants: true });
      expect(servers[0]?.host_status).toBe("MAINTENANCE");
      const provider = await findProvider(cloud.admin.placement, host);
      expect(await traits(cloud.admin.placement, provider?.uuid ?? "")).toContain(
        "COMPUTE_STATUS_DISABLED",
      );
    } finally {
      expect(await enableService(cloud.admin.compute, id)).toMatchObject({
        status: "enabled",
        disabled_reason: null,
      });
    }
  });

  it("refuse other keys, unknown ids and tenants", async () => {
    const { id } = await otherHost(cloud);
    const put = (body: unknown) =>
      call(cloud.admin.compute, `/os-services/${id}`, z.unknown(), { method: "PUT", body });
    await expect(put({ state: "disabled" })).rejects.toMatchObject({
      status: 400,
      detail: "Additional properties are not allowed ('state' was unexpected)",
    });
    await expect(put({ status: "enabled", disabled_reason: "no" })).rejects.toMatchObject({
      status: 400,
    });
    await expect(disableService(cloud.admin.compute, NOBODY, "x")).rejects.toMatchObject({
      status: 404,
      detail: `Service ${NOBODY} could not be found.`,
    });
    await expect(disableService(cloud.alice.compute, id, "x")).rejects.toMatchObject({
      status: 403,
      detail: "Policy doesn't allow os_compute_api:os-services:update to be performed.",
    });
    await expect(listServices(cloud.alice.compute)).rejects.toMatchObject({ status: 403 });
  });
});

describe("servers", () => {
  it("are listed by host", async () => {
    const { host } = await someServer(cloud, { grouped: true });
    const servers = await listServers(cloud.admin.compute, { host, all_tenants: true });
    expect(new Set(servers.map((server) => server.host))).toEqual(new Set([host]));
    expect(servers[0]).toMatchObject({ partial: false, server_groups: null, host_status: "UP" });
    expect(servers[0]?.flavor?.name).toMatch(/^m1\./);
  });

  it("are the same in pages as in one", async () => {
    const whole = await listServers(cloud.admin.compute, { all_tenants: true });
    const paged = await listServers(cloud.admin.compute, { all_tenants: true, limit: 5 });
    expect(whole).toHaveLength(12);
    expect(paged.map((one) => one.id)).toEqual(whole.map((one) => one.id));
  });

  it("cannot be paged from a server that is not there", async () => {
    await expect(
      call(cloud.admin.compute, `/servers/detail?marker=${NOBODY}`, z.unknown()),
    ).rejects.toMatchObject({ status: 400, detail: expect.stringContaining("marker") });
  });

  it("of hidden kinds are asked for alike", async () => {
    const both = { all_tenants: true, soft_deleted: true };
    expect(await listServers(cloud.admin.compute, both)).toHaveLength(12);
    const { host } = await someServer(cloud, { grouped: false });
    const here = await listServers(cloud.admin.compute, { all_tenants: true, host });
    const also = await listServers(cloud.admin.compute, { ...both, host });
    expect(also.map((one) => one.id)).toEqual(here.map((one) => one.id));
  });

  it("tell their groups one by one", async () => {
    const { id, server_groups } = await someServer(cloud, { grouped: true });
    const groups = await listServerGroups(cloud.admin.compute, { all_projects: true });
    const group = groups.find((one) => one.id === server_groups?.[0]);
    expect(group).toMatchObject({ policy: "anti-affinity", name: "spread" });
    expect(group?.members).toContain(id);
    expect(groups).toHaveLength(2);
    expect(await listServerGroups(cloud.alice.compute)).toHaveLength(1);
  });

  it("show their owner neither host nor its status, but a name for it", async () => {
    const [mine] = await listServers(cloud.alice.compute);
    expect(mine).toMatchObject({ host: null, hypervisor_hostname: null, host_status: null });
    const { host, project_id } = await getServer(cloud.admin.compute, mine?.id ?? "");
    expect(mine?.host_id).toBe(createHash("sha224").update(`${project_id}${host}`).digest("hex"));
  });

  it("are hidden from others", async () => {
    const [mine] = await listServers(cloud.alice.compute);
    await expect(getServer(cloud.bob.compute, mine?.id ?? "")).rejects.toMatchObject({
      status: 404,
      detail: `Instance ${mine?.id} could not be found.`,
    });
    await expect(getServer(cloud.admin.compute, NOBODY)).rejects.toMatchObject({ status: 404 });
    await expect(listServers(cloud.alice.compute, { all_tenants: true })).rejects.toMatchObject({
      status: 403,
    });
  });
});

describe("capacity", () => {
  it("is Placement's account of a hypervisor", async () => {
    const { host, id } = await someServer(cloud, { grouped: false });
    const provider = await findProvider(cloud.admin.placement, host);
    const uuid = provider?.uuid ?? "";
    const hypervisor = (await listHypervisors(cloud.admin.compute)).find((one) => one.id === uuid);
    expect(hypervisor).toMatchObject({ hypervisor_hostname: host, service: { host } });
    expect((await getHypervisor(cloud.admin.compute, uuid)).hypervisor_version).toBe(
      hypervisor?.hypervisor_version,
    );
    const { VCPU, MEMORY_MB, DISK_GB } = await inventories(cloud.admin.placement, uuid);
    expect([VCPU, MEMORY_MB, DISK_GB].map((one) => one && capacityOf(one))).toEqual([
      512, 97_536, 2_000,
    ]);
    expect((await usages(cloud.admin.placement, uuid))["VCPU"]).toBeGreaterThan(0);
    expect(Object.keys(await allocations(cloud.admin.placement, uuid))).toContain(id);
    expect(Object.keys(await allocationsOf(cloud.admin.placement, id))).toEqual([uuid]);
    expect(await providersOf(cloud.admin.placement, uuid)).toHaveLength(1);
  });

  it("of an unknown name or consumer is nothing", async () => {
    expect(await findProvider(cloud.admin.placement, "nowhere")).toBeUndefined();
    expect(await allocationsOf(cloud.admin.placement, NOBODY)).toEqual({});
  });

  it("is offered by candidates, but not by hosts with a forbidden trait", async () => {
    const resources = { VCPU: 1, MEMORY_MB: 512, DISK_GB: 1 };
    const { host, id } = await otherHost(cloud);
    const provider = (await findProvider(cloud.admin.placement, host))?.uuid;
    const all = await candidates(cloud.admin.placement, { resources });
    expect(all.map((one) => one.provider)).toContain(provider);
    expect(all[0]?.resources["MEMORY_MB"]).toMatchObject({ capacity: 97_536 });
    expect(await candidates(cloud.admin.placement, { resources, limit: 2 })).toHaveLength(2);
    await disableService(cloud.admin.compute, id, "contract");
    try {
      const forbidden = ["COMPUTE_STATUS_DISABLED"];
      const rest = await candidates(cloud.admin.placement, { resources, forbidden });
      expect(rest.map((one) => one.provider)).not.toContain(provider);
    } finally {
      await enableService(cloud.admin.compute, id);
    }
  });

  it("is not told to tenants", async () => {
    await expect(findProvider(cloud.alice.placement, "cmp-01")).rejects.toMatchObject({
      status: 403,
      detail: expect.stringContaining("placement:resource_providers:list"),
    });
    await expect(listHypervisors(cloud.alice.compute)).rejects.toMatchObject({ status: 403 });
  });
});

describe("the rest", () => {
  it("has flavors, aggregates and agents of the expected shape", async () => {
    const flavors = await listFlavors(cloud.admin.compute);
    expect(flavors.map((one) => one.name)).toEqual(
      expect.arrayContaining(["m1.tiny", "m1.small", "m1.medium"]),
    );
    expect(Array.isArray(await listAggregates(cloud.admin.compute))).toBe(true);
    expect(Array.isArray(await listAgents(cloud.admin.network))).toBe(true);
  });

  it("has ports bound to the host of their server", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    const [port] = await listPorts(cloud.admin.network, { device_id: id });
    expect(port).toMatchObject({ host, vnic_type: "normal" });
    expect(await listBindings(cloud.admin.network, port?.id ?? "")).toMatchObject([
      { host, status: "ACTIVE" },
    ]);
    const here = await listPorts(cloud.admin.network, { host });
    expect(here.map((one) => one.device_id)).toContain(id);
  });
});
