import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  rebootServer,
  resetState,
  startServer,
  stopServer,
} from "../../../lib/openstack/compute/server-actions.ts";
import {
  coldMigrate,
  confirmResize,
  getServer,
  liveMigrate,
  revertResize,
} from "../../../lib/openstack/compute/servers.ts";
import { getService } from "../../../lib/openstack/compute/services.ts";
import { deleteBinding, listBindings, listPorts } from "../../../lib/openstack/network/ports.ts";
import {
  allocations,
  allocationsOf,
  deleteAllocations,
  findProvider,
} from "../../../lib/openstack/placement/resource-providers.ts";
import {
  type ContractCloud,
  eventually,
  lastRow,
  newestMigration,
  openContractCloud,
  otherHost,
  outcomeOf,
  someServer,
} from "./contract-cloud.ts";

let cloud: ContractCloud;
beforeAll(async () => {
  cloud = await openContractCloud();
});
afterEach(() => cloud.behave({}));
afterAll(() => cloud?.close());

const providerOf = async (host: string): Promise<string> =>
  (await findProvider(cloud.admin.placement, host))?.uuid ?? "";

const toStatus = (id: string, status: string) =>
  eventually(`${id} in ${status}`, async () => {
    const server = await getServer(cloud.admin.compute, id);
    return server.status === status && server.task_state === null;
  });

const toVerifyResize = async (id: string) => {
  const after = await lastRow(cloud, id);
  await coldMigrate(cloud.admin.compute, id);
  const { row, server } = await outcomeOf(cloud, id, after);
  expect(row).toMatchObject({ status: "finished", migration_type: "migration" });
  expect(server).toMatchObject({ status: "VERIFY_RESIZE", vm_state: "resized" });
  return { row, server };
};

describe("a cold migration", () => {
  it("holds its source until it is confirmed", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    const { row, server } = await toVerifyResize(id);
    expect(server.host).not.toBe(host);
    const held = await allocations(cloud.admin.placement, await providerOf(host));
    expect(Object.keys(held)).toContain(row.uuid);
    await confirmResize(cloud.admin.compute, id);
    const again = await confirmResize(cloud.admin.compute, id).catch((error: unknown) => error);
    expect([400, 409]).toContain((again as { status: number }).status);
    await eventually("the confirmation", async () => {
      const { status } = await getServer(cloud.admin.compute, id);
      const now = await newestMigration(cloud, id);
      return status === "ACTIVE" && now?.status === "confirmed";
    });
    // Nova lets go of the source a moment later.
    await eventually(`the end of what ${row.uuid} holds`, async () => {
      const held = await allocationsOf(cloud.admin.placement, row.uuid);
      return Object.keys(held).length === 0;
    });
  });

  it("can be taken back", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    await toVerifyResize(id);
    await revertResize(cloud.admin.compute, id);
    await eventually("the return", async () => {
      const server = await getServer(cloud.admin.compute, id);
      return server.status === "ACTIVE" && server.host === host;
    });
  });

  it("leaves a stopped server stopped, from end to end", async () => {
    const { compute } = cloud.admin;
    const { id } = await someServer(cloud, { grouped: false });
    await stopServer(compute, id);
    await toStatus(id, "SHUTOFF");
    const { server } = await toVerifyResize(id);
    expect(server.power_state).toBe(4);
    await confirmResize(compute, id);
    await toStatus(id, "SHUTOFF");
    await startServer(compute, id);
    await toStatus(id, "ACTIVE");
  });

  it("that fails on the target leaves its server in ERROR there, until it is reset and rebooted; then it moves again", async () => {
    const { compute } = cloud.admin;
    const { id, host } = await someServer(cloud, { grouped: false });
    await cloud.behave({ [id]: { finish_migration: { outcome: "fail" } } });
    const after = await lastRow(cloud, id);
    await coldMigrate(compute, id);
    const { row, server } = await outcomeOf(cloud, id, after);
    expect(row.status).toBe("error");
    expect(server).toMatchObject({ status: "ERROR", fault: expect.any(String) });
    expect(server.host).not.toBe(host);
    await resetState(compute, id, "active");
    await rebootServer(compute, id, "HARD");
    await toStatus(id, "ACTIVE");
    // This also ends what the failure has left with the server, its migration context: with that,
    // the hosts set the row of any later live migration to `error` in the middle of it.
    await liveMigrate(compute, id);
    await eventually(`a live migration of ${id}`, async () => {
      const now = await newestMigration(cloud, id);
      return now !== undefined && now.id > row.id && now.status === "completed";
    });
    await toStatus(id, "ACTIVE");
  });

  it("cannot be confirmed when there is none", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    await expect(confirmResize(cloud.admin.compute, id)).rejects.toMatchObject({
      status: 409,
      detail: `Cannot 'confirmResize' instance ${id} while it is in vm_state active`,
    });
  });

  it("is not for its owner, nor to a host that does not exist", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    const owners = [cloud.alice, cloud.bob].map((tenant) =>
      coldMigrate(tenant.compute, id).catch((error: unknown) => error),
    );
    const statuses = (await Promise.all(owners)).map(
      (error) => (error as { status: number }).status,
    );
    expect(statuses.sort()).toEqual([403, 404]);
    await expect(coldMigrate(cloud.admin.compute, id, { host: "nowhere" })).rejects.toMatchObject({
      status: 400,
    });
  });
});

describe("a host that dies", () => {
  it("is down when its heartbeat is late, and its servers' state is unknown until it is back", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    await cloud.kill(host);
    try {
      await eventually(`${host} down`, async () => {
        const service = await getService(cloud.admin.compute, host);
        return service?.state === "down";
      });
      const stopped = await getService(cloud.admin.compute, host);
      expect(stopped).toMatchObject({ status: "enabled", forced_down: false });
      expect(await getServer(cloud.admin.compute, id)).toMatchObject({
        status: "ACTIVE",
        host,
        host_status: "UNKNOWN",
      });
    } finally {
      await cloud.start(host);
    }
    await eventually(`${host} up`, async () => {
      const service = await getService(cloud.admin.compute, host);
      return service?.state === "up";
    });
  });

  /**
   * A nova-compute that has just been started counts as up by its old heartbeats, and ends whatever
   * move of its servers it finds: it is at work when it has sent new ones.
   */
  const atWork = async (host: string): Promise<void> => {
    for (let beats = 0, last: string | null = null; beats < 3; beats++)
      last = await eventually(`a heartbeat of ${host}`, async () => {
        const service = await getService(cloud.admin.compute, host);
        const at = service?.updated_at ?? null;
        return at !== null && at !== last && at;
      });
  };

  it("in the middle of a move leaves row, allocation and binding behind, which can be cured", async () => {
    const server = await someServer(cloud, { grouped: false });
    await atWork(server.host);
    const target = await otherHost(cloud, server.host);
    await cloud.behave({ [server.id]: { live_migration: { outcome: "hang" } } });
    const after = await lastRow(cloud, server.id);
    await liveMigrate(cloud.admin.compute, server.id, { host: target.host });
    const row = await eventually("the transfer", async () => {
      const now = await newestMigration(cloud, server.id);
      return now && now.id > after && now.status === "running" && now;
    });
    await cloud.kill(server.host);
    await eventually(`${server.host} down`, async () => {
      const service = await getService(cloud.admin.compute, server.host);
      return service?.state === "down";
    });
    expect((await newestMigration(cloud, server.id))?.status).toBe("running");
    expect((await getServer(cloud.admin.compute, server.id)).status).toBe("MIGRATING");
    await cloud.behave({});
    await cloud.start(server.host);

    const end = await outcomeOf(cloud, server.id, after);
    expect(end.row.status).toBe("error");
    expect(end.server).toMatchObject({ status: "ACTIVE", host: server.host });
    expect(Object.keys(await allocationsOf(cloud.admin.placement, row.uuid))).toEqual([
      await providerOf(server.host),
    ]);
    const [port] = await listPorts(cloud.admin.network, { device_id: server.id });
    const bindings = await listBindings(cloud.admin.network, port?.id ?? "");
    expect(bindings.find((one) => one.host === target.host)?.status).toBe("INACTIVE");

    await eventually(`${server.host} up`, async () => {
      const service = await getService(cloud.admin.compute, server.host);
      return service?.state === "up";
    });
    const again = await lastRow(cloud, server.id);
    await liveMigrate(cloud.admin.compute, server.id, { host: target.host });
    const refused = await outcomeOf(cloud, server.id, again);
    expect(refused.row.status).toBe("error");

    await deleteBinding(cloud.admin.network, port?.id ?? "", target.host);
    await deleteAllocations(cloud.admin.placement, row.uuid);
    expect(await allocationsOf(cloud.admin.placement, row.uuid)).toEqual({});
    await liveMigrate(cloud.admin.compute, server.id, { host: target.host });
    const cured = await outcomeOf(cloud, server.id, refused.row.id);
    expect(cured.row.status).toBe("completed");
  });
});
