import { describe, expect, it } from "vitest";
import {
  abortMigration,
  forceComplete,
  listMigrations,
  listServerMigrations,
} from "../../../lib/openstack/compute/migrations.ts";
import { coldMigrate, getServer, liveMigrate } from "../../../lib/openstack/compute/servers.ts";
import { listBindings, listPorts } from "../../../lib/openstack/network/ports.ts";
import type { DriverFaults } from "../../../localstack/openstack/faults.ts";
import { hostOf, instanceNamed, MINUTE, simulate } from "./stage.ts";

const SECOND = 1_000;

const stage = async (faults: (id: string) => DriverFaults = () => ({})) => {
  const cloud = await simulate();
  const { id } = instanceNamed(cloud.simulator, "alpha-04");
  cloud.simulator.happen({ kind: "driver", faults: faults(id) });
  const { compute } = cloud.admin;
  const row = async () => (await listMigrations(compute, { instance_uuid: id }))[0];
  const progress = async () => (await listServerMigrations(compute, id))[0];
  return { ...cloud, compute, id, row, progress };
};

describe("a live migration under way", () => {
  it("has no row for a moment, and none below its server before it is queued", async () => {
    const { compute, id, row, progress, pass } = await stage();
    await liveMigrate(compute, id);
    expect(await getServer(compute, id)).toMatchObject({ status: "MIGRATING" });
    expect(await row()).toBeUndefined();
    await pass(100);
    expect(await row()).toMatchObject({ status: "accepted" });
    expect(await progress()).toBeUndefined();
  });

  it("tells how many bytes are left, and they fall", async () => {
    const { compute, id, progress, pass } = await stage((server) => ({
      [server]: { live_migration: { seconds: 60 } },
    }));
    await liveMigrate(compute, id);
    await pass(10 * SECOND);
    const first = await progress();
    await pass(20 * SECOND);
    const second = await progress();
    expect(first).toMatchObject({ status: "running", memory_total_bytes: 512 * 2 ** 20 });
    expect(second?.memory_remaining_bytes).toBeLessThan(first?.memory_remaining_bytes ?? 0);
    expect(second?.memory_remaining_bytes).toBeGreaterThan(0);
    await pass(MINUTE);
    expect(await progress()).toBeUndefined();
  });

  it("that is stuck keeps its bytes, sends on, and ends when it is aborted", async () => {
    const { compute, id, row, progress, pass } = await stage((server) => ({
      [server]: { live_migration: { outcome: "hang" } },
    }));
    await liveMigrate(compute, id);
    await pass(30 * SECOND);
    const first = await progress();
    await pass(30 * SECOND);
    const second = await progress();
    expect(second?.memory_remaining_bytes).toBe(first?.memory_remaining_bytes);
    expect(second?.memory_processed_bytes).toBeGreaterThan(first?.memory_processed_bytes ?? 0);
    await abortMigration(compute, id, second?.id ?? 0);
    await pass(MINUTE);
    expect(await row()).toMatchObject({ status: "cancelled" });
    expect(await getServer(compute, id)).toMatchObject({ status: "ACTIVE", task_state: null });
    await expect(abortMigration(compute, id, second?.id ?? 0)).rejects.toMatchObject({
      status: 409,
      detail: `Instance ${id} is in an invalid state for 'abort live migration'`,
    });
  });

  it("that is stuck ends by force, or by itself when its time is over", async () => {
    const hang = (server: string) => ({
      [server]: { live_migration: { outcome: "hang" as const } },
    });
    const forced = await stage(hang);
    await liveMigrate(forced.compute, forced.id);
    await forced.pass(30 * SECOND);
    await forceComplete(forced.compute, forced.id, (await forced.progress())?.id ?? 0);
    await forced.pass(MINUTE);
    expect(await forced.row()).toMatchObject({ status: "completed" });
    const left = await stage(hang);
    await liveMigrate(left.compute, left.id);
    await left.pass(30 * MINUTE);
    expect(await left.row()).toMatchObject({ status: "cancelled" });
  });

  it("waits for its turn at its source, where it can be aborted", async () => {
    const { simulator, compute, id, pass } = await stage();
    const host = hostOf(simulator, "alpha-04");
    const other = simulator.happen({
      kind: "appear",
      instance: { name: "other", project: "beta", flavor: "m1.tiny", host },
    });
    simulator.happen({ kind: "driver", faults: { "*": { live_migration: { seconds: 60 } } } });
    await liveMigrate(compute, id);
    await pass(5 * SECOND);
    await liveMigrate(compute, other ?? "");
    await pass(5 * SECOND);
    const [queued] = await listServerMigrations(compute, other ?? "");
    expect(queued).toMatchObject({ status: "queued", memory_remaining_bytes: null });
    await abortMigration(compute, other ?? "", queued?.id ?? 0);
    await pass(5 * SECOND);
    expect(await getServer(compute, other ?? "")).toMatchObject({ status: "ACTIVE", host });
    expect(
      (await listMigrations(compute, { status: "running" })).map((row) => row.instance_uuid),
    ).toEqual([id]);
  });

  it("that cannot be made ready says `error` first and `failed` later, at rest in between", async () => {
    const { compute, id, row, pass } = await stage((server) => ({
      [server]: { pre_migration: { outcome: "fail" } },
    }));
    await liveMigrate(compute, id);
    await pass(900);
    expect(await row()).toMatchObject({ status: "error" });
    expect(await getServer(compute, id)).toMatchObject({ status: "ACTIVE", task_state: null });
    await pass(SECOND);
    expect(await row()).toMatchObject({ status: "failed" });
  });
});

describe("a guest that is tied to its host", () => {
  const withGuest = async (instance: object, extra_specs: Record<string, string> = {}) => {
    const cloud = await simulate((spec) => ({
      ...spec,
      nova_microversion: "2.98",
      flavors: [...spec.flavors, { name: "special", vcpus: 1, ram: 512, disk: 1, extra_specs }],
      instances: [
        { name: "guest", project: "alpha", flavor: "special", host: "cmp-01", ...instance },
      ],
    }));
    return {
      ...cloud,
      compute: cloud.admin.compute,
      id: instanceNamed(cloud.simulator, "guest").id,
    };
  };

  it.each([
    ["a vTPM of its flavor", {}, { "hw:tpm_version": "2.0" }, "vTPM"],
    ["a vTPM of its image", { image_properties: { hw_tpm_version: "2.0" } }, {}, "vTPM"],
    ["encrypted memory", {}, { "hw:mem_encryption": "true" }, "SEV"],
  ])("by %s is refused at once, and goes cold", async (_, instance, extra_specs, word) => {
    const { compute, id, pass } = await withGuest(instance, extra_specs);
    await expect(liveMigrate(compute, id)).rejects.toMatchObject({
      status: 400,
      detail: expect.stringContaining(word),
    });
    await coldMigrate(compute, id);
    await pass(MINUTE);
    expect(await getServer(compute, id)).toMatchObject({ status: "VERIFY_RESIZE" });
  });

  it("by a device fails later, wherever it is to go", async () => {
    const { compute, id, pass } = await withGuest({}, { "pci_passthrough:alias": "gpu:1" });
    await liveMigrate(compute, id);
    await pass(MINUTE);
    const [row] = await listMigrations(compute, { instance_uuid: id });
    expect(row).toMatchObject({ status: "error", dest_compute: null });
  });

  it("shows it: by its port, its flavor and its image", async () => {
    const { admin, compute, id } = await withGuest(
      { vnic_type: "direct", image_properties: { hw_tpm_version: "2.0" }, pinned_az: "nova" },
      { "hw:cpu_policy": "dedicated" },
    );
    expect(await getServer(compute, id)).toMatchObject({
      image_properties: { hw_tpm_version: "2.0" },
      pinned_az: "nova",
      flavor: { extra_specs: { "hw:cpu_policy": "dedicated" } },
    });
    const [port] = await listPorts(admin.network, { device_id: [id] });
    expect(port).toMatchObject({ vnic_type: "direct", host: "cmp-01", device_id: id });
    expect(await listBindings(admin.network, port?.id ?? "")).toMatchObject([
      { host: "cmp-01", status: "ACTIVE" },
    ]);
  });
});

describe("ports", () => {
  it("are found by any number of servers, and by host", async () => {
    const { simulator, admin } = await simulate(undefined, { size: { hosts: 4, instances: 150 } });
    const servers = [...simulator.world.instances.values()];
    const found = await listPorts(admin.network, { device_id: servers.map(({ id }) => id) });
    expect(new Set(found.map((port) => port.device_id)).size).toBe(150);
    const here = await listPorts(admin.network, { host: "cmp-02" });
    expect(here).toHaveLength(servers.filter(({ host }) => host === "cmp-02").length);
    expect(await listPorts(admin.network, { device_id: [] })).toEqual([]);
  });
});
