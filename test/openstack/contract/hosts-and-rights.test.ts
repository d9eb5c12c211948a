import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { removeHostFromAggregate } from "../../../lib/openstack/compute/aggregates.ts";
import { shelveOffload, startServer } from "../../../lib/openstack/compute/server-actions.ts";
import { getServer, listServers } from "../../../lib/openstack/compute/servers.ts";
import {
  deleteService,
  forceDown,
  getService,
  listServices,
} from "../../../lib/openstack/compute/services.ts";
import { callForAnswer } from "../../../lib/openstack/http.ts";
import { applicationCredential } from "../../../lib/openstack/identity/application-credentials.ts";
import { deleteAgent } from "../../../lib/openstack/network/agents.ts";
import { listPorts } from "../../../lib/openstack/network/ports.ts";
import { type ContractCloud, openContractCloud, otherHost, someServer } from "./contract-cloud.ts";

let cloud: ContractCloud;
beforeAll(async () => {
  cloud = await openContractCloud();
});
afterAll(() => cloud?.close());

const NOBODY = "00000000-0000-4000-8000-000000000000";

describe("the services of a host", () => {
  it("are all listed when none is named", async () => {
    const { host } = await otherHost(cloud);
    const all = await listServices(cloud.admin.compute, { host });
    expect(all.map(({ binary }) => binary)).toContain("nova-compute");
    expect(new Set(all.map((service) => service.host))).toEqual(new Set([host]));
  });

  it("cannot be deleted while the host has servers, by tenants, or when unknown", async () => {
    const { host } = await someServer(cloud, { grouped: false });
    const { id = "" } = (await getService(cloud.admin.compute, host)) ?? {};
    await expect(deleteService(cloud.admin.compute, id)).rejects.toMatchObject({
      status: 409,
      detail:
        "Unable to delete compute service that is hosting instances. Migrate or delete the instances first.",
    });
    await expect(deleteService(cloud.alice.compute, id)).rejects.toMatchObject({ status: 403 });
    await expect(deleteService(cloud.admin.compute, NOBODY)).rejects.toMatchObject({ status: 404 });
  });

  it("are down at once when forced, and up again when that is lifted", async () => {
    const server = await someServer(cloud, { grouped: false });
    const { id = "" } = (await getService(cloud.admin.compute, server.host)) ?? {};
    try {
      expect(await forceDown(cloud.admin.compute, id, true)).toMatchObject({
        state: "down",
        status: "enabled",
        forced_down: true,
      });
      expect(await getServer(cloud.admin.compute, server.id)).toMatchObject({
        host_status: "DOWN",
      });
    } finally {
      expect(await forceDown(cloud.admin.compute, id, false)).toMatchObject({
        state: "up",
        forced_down: false,
      });
    }
  });
});

describe("what is not there", () => {
  it("cannot be taken from an aggregate, nor deleted from Neutron", async () => {
    const { host } = await otherHost(cloud);
    await expect(removeHostFromAggregate(cloud.admin.compute, 99_999, host)).rejects.toMatchObject({
      status: 404,
    });
    await expect(deleteAgent(cloud.admin.network, NOBODY)).rejects.toMatchObject({ status: 404 });
  });
});

describe("a server in the wrong state", () => {
  it("can be neither started nor offloaded, and is told why", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    const inVain = (action: string) => ({
      status: 409,
      detail: `Cannot '${action}' instance ${id} while it is in vm_state active`,
    });
    await expect(startServer(cloud.admin.compute, id)).rejects.toMatchObject(inVain("start"));
    await expect(shelveOffload(cloud.admin.compute, id)).rejects.toMatchObject(
      inVain("shelveOffload"),
    );
  });
});

describe("ports", () => {
  it("are found by any of several servers", async () => {
    const servers = await listServers(cloud.alice.compute);
    const ids = servers.map(({ id }) => id);
    const found = await listPorts(cloud.admin.network, { device_id: ids });
    expect(new Set(found.map((port) => port.device_id))).toEqual(new Set(ids));
    const seen = await listPorts(cloud.alice.network, { device_id: ids });
    expect(seen.length).toBe(found.length);
    expect(seen.every(({ host }) => host === null)).toBe(true);
  });
});

describe("an opened cloud", () => {
  it("knows for whom it is, and what the catalog has", async () => {
    const me = await cloud.admin.whoami();
    expect(me).toMatchObject({ user: { name: "admin" }, project: { name: "admin" } });
    expect(me.roles).toContain("admin");
    expect(me.application_credential_id).toBeNull();
    expect(Date.parse(me.expires_at)).toBeGreaterThan(0);
    expect(await cloud.admin.has("placement")).toBe(true);
    expect(await cloud.admin.has("container-infra")).toBe(false);
  });

  it("dates its answers", async () => {
    const answer = await callForAnswer(cloud.admin.compute, "/os-services", z.unknown());
    expect(answer.date).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it("has no application credential of another name", async () => {
    const { user } = await cloud.admin.whoami();
    const unknown = applicationCredential(cloud.admin.identity, user.id, NOBODY);
    await expect(unknown).rejects.toMatchObject({ status: 404 });
  });
});
