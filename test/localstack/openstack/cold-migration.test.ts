import { describe, expect, it } from "vitest";
import { listMigrations } from "../../../lib/openstack/compute/migrations.ts";
import {
  rebootServer,
  resetState,
  shelveOffload,
  shelveServer,
  startServer,
  stopServer,
} from "../../../lib/openstack/compute/server-actions.ts";
import {
  coldMigrate,
  confirmResize,
  getServer,
  revertResize,
} from "../../../lib/openstack/compute/servers.ts";
import { listPorts } from "../../../lib/openstack/network/ports.ts";
import {
  allocations,
  allocationsOf,
  findProvider,
} from "../../../lib/openstack/placement/resource-providers.ts";
import { hostOf, instanceNamed, MINUTE, simulate } from "./stage.ts";

const stage = async () => {
  const cloud = await simulate();
  const { id } = instanceNamed(cloud.simulator, "alpha-04");
  const host = hostOf(cloud.simulator, "alpha-04");
  const { compute } = cloud.admin;
  const server = () => getServer(compute, id);
  const row = async () => (await listMigrations(compute, { instance_uuid: id }))[0];
  return { ...cloud, compute, id, host, server, row };
};

const stopped = async () => {
  const cloud = await stage();
  await stopServer(cloud.compute, cloud.id);
  await cloud.pass(MINUTE);
  return cloud;
};

describe("a cold migration", () => {
  it("interrupts a running guest, which runs again elsewhere and waits to be confirmed", async () => {
    const { compute, id, host, server, row, pass } = await stage();
    await coldMigrate(compute, id);
    expect(await server()).toMatchObject({ status: "RESIZE", task_state: "resize_prep", host });
    await pass(MINUTE);
    const moved = await server();
    expect(moved).toMatchObject({ status: "VERIFY_RESIZE", vm_state: "resized", power_state: 1 });
    expect(moved.host).not.toBe(host);
    expect(await row()).toMatchObject({ status: "finished", migration_type: "migration" });
    await confirmResize(compute, id);
    await pass(MINUTE);
    expect(await server()).toMatchObject({ status: "ACTIVE", host: moved.host, power_state: 1 });
    expect(await row()).toMatchObject({ status: "confirmed" });
  });

  it("leaves a stopped guest stopped, before and after it is confirmed", async () => {
    const { compute, id, host, server, pass } = await stopped();
    await coldMigrate(compute, id);
    await pass(MINUTE);
    const moved = await server();
    expect(moved).toMatchObject({ status: "VERIFY_RESIZE", power_state: 4 });
    expect(moved.host).not.toBe(host);
    await confirmResize(compute, id);
    await pass(MINUTE);
    expect(await server()).toMatchObject({ status: "SHUTOFF", power_state: 4, host: moved.host });
  });

  it("brings a stopped guest back stopped when it is reverted", async () => {
    const { compute, id, host, server, row, pass } = await stopped();
    await coldMigrate(compute, id);
    await pass(MINUTE);
    await revertResize(compute, id);
    expect(await server()).toMatchObject({ status: "REVERT_RESIZE" });
    await pass(MINUTE);
    expect(await server()).toMatchObject({ status: "SHUTOFF", power_state: 4, host });
    expect(await row()).toMatchObject({ status: "reverted" });
  });

  it("that fails on the target leaves ERROR there, which a reset and a hard reboot repair", async () => {
    const { simulator, compute, id, host, server, row, pass } = await stage();
    simulator.happen({
      kind: "driver",
      faults: { [id]: { finish_migration: { outcome: "fail" } } },
    });
    await coldMigrate(compute, id);
    await pass(MINUTE);
    const broken = await server();
    expect(broken).toMatchObject({ status: "ERROR", fault: expect.any(String) });
    expect(broken.host).not.toBe(host);
    expect(await row()).toMatchObject({ status: "error" });
    await resetState(compute, id, "active");
    await rebootServer(compute, id, "HARD");
    expect(await server()).toMatchObject({ status: "HARD_REBOOT" });
    await pass(MINUTE);
    expect(await server()).toMatchObject({ status: "ACTIVE", host: broken.host, fault: null });
  });

  it("holds nothing any more when its server is deleted before it is confirmed", async () => {
    const { simulator, admin, compute, id, host, row, pass } = await stage();
    await coldMigrate(compute, id);
    await pass(MINUTE);
    const { uuid = "" } = (await row()) ?? {};
    simulator.happen({ kind: "vanish", instance: id });
    const provider = await findProvider(admin.placement, host);
    expect(await allocations(admin.placement, provider?.uuid ?? "")).not.toHaveProperty(uuid);
    expect(await allocationsOf(admin.placement, id)).toEqual({});
  });

  it.each([
    ["confirmResize", confirmResize],
    ["revertResize", revertResize],
  ])(
    "is %s-ed once: refused before, while it is under way, and for who is not there",
    async (name, end) => {
      const { compute, id, pass } = await stage();
      const nobody = "00000000-0000-0000-0000-000000000000";
      await expect(end(compute, nobody)).rejects.toMatchObject({ status: 404 });
      await expect(end(compute, id)).rejects.toMatchObject({
        status: 409,
        detail: `Cannot '${name}' instance ${id} while it is in vm_state active`,
      });
      await coldMigrate(compute, id);
      await pass(MINUTE);
      await end(compute, id);
      const again = name === "confirmResize" ? 400 : 409;
      await expect(end(compute, id)).rejects.toMatchObject({ status: again });
    },
  );

  it("is refused when its source is down, and so is its confirmation", async () => {
    const { simulator, compute, id, host, pass } = await stage();
    await coldMigrate(compute, id);
    await pass(MINUTE);
    simulator.happen({ kind: "kill_host", host });
    await pass(2 * MINUTE);
    const unavailable = { status: 409, detail: "Service is unavailable at this time." };
    await expect(confirmResize(compute, id)).rejects.toMatchObject(unavailable);
    const other = [...simulator.world.instances.values()].find((one) => one.host === host);
    await expect(coldMigrate(compute, other?.id ?? "")).rejects.toMatchObject(unavailable);
  });

  it("to its own host is refused", async () => {
    const { compute, id, host } = await stage();
    await expect(coldMigrate(compute, id, { host })).rejects.toMatchObject({ status: 400 });
  });
});

describe("the power of a guest", () => {
  it("goes and comes with a task in between", async () => {
    const { compute, id, server, pass } = await stage();
    await stopServer(compute, id);
    expect(await server()).toMatchObject({ status: "ACTIVE", task_state: "powering-off" });
    await expect(startServer(compute, id)).rejects.toMatchObject({ status: 409 });
    await pass(MINUTE);
    expect(await server()).toMatchObject({ status: "SHUTOFF", task_state: null, power_state: 4 });
    await startServer(compute, id);
    expect(await server()).toMatchObject({ status: "SHUTOFF", task_state: "powering-on" });
    await pass(MINUTE);
    expect(await server()).toMatchObject({ status: "ACTIVE", task_state: null, power_state: 1 });
  });

  it("cannot be changed on a host that is dead: the task stays", async () => {
    const { simulator, compute, id, host, server, pass } = await stage();
    simulator.happen({ kind: "kill_host", host });
    await stopServer(compute, id);
    await pass(10 * MINUTE);
    expect(await server()).toMatchObject({ status: "ACTIVE", task_state: "powering-off" });
  });
});

describe("shelving", () => {
  it("takes a server from its host at once", async () => {
    const { admin, compute, id, server, pass } = await stage();
    await shelveServer(compute, id);
    expect(await server()).toMatchObject({ task_state: "shelving" });
    await pass(MINUTE);
    expect(await server()).toMatchObject({ status: "SHELVED_OFFLOADED", host: null });
    expect(await allocationsOf(admin.placement, id)).toEqual({});
    expect(await listPorts(admin.network, { device_id: id })).toMatchObject([{ host: null }]);
  });

  it("leaves it there where the cloud is so set up, until it is offloaded", async () => {
    const { simulator, admin, pass } = await simulate((spec) => ({
      ...spec,
      offloads_shelved: false,
    }));
    const { id } = instanceNamed(simulator, "alpha-04");
    const host = hostOf(simulator, "alpha-04");
    await expect(shelveOffload(admin.compute, id)).rejects.toMatchObject({ status: 409 });
    await shelveServer(admin.compute, id);
    await pass(MINUTE);
    expect(await getServer(admin.compute, id)).toMatchObject({ status: "SHELVED", host });
    await shelveOffload(admin.compute, id);
    await pass(MINUTE);
    expect(await getServer(admin.compute, id)).toMatchObject({
      status: "SHELVED_OFFLOADED",
      host: null,
    });
  });
});
