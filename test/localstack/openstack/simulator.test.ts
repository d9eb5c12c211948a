import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { EgressRequest } from "../../../lib/egress.ts";
import { alertmanager } from "../../../lib/monitoring/alertmanager.ts";
import { masakari } from "../../../lib/monitoring/masakari.ts";
import { listMigrations } from "../../../lib/openstack/compute/migrations.ts";
import { getServer, listServers, liveMigrate } from "../../../lib/openstack/compute/servers.ts";
import {
  disableService,
  getService,
  listServices,
} from "../../../lib/openstack/compute/services.ts";
import { call } from "../../../lib/openstack/http.ts";
import {
  allocations,
  findProvider,
  inventories,
} from "../../../lib/openstack/placement/resource-providers.ts";
import { instanceNamed, MINUTE, START, simulate } from "./stage.ts";

const all = { all_tenants: true };

describe("a simulated cloud", () => {
  it("lives by its clock alone", async () => {
    const { simulator, admin, pass } = await simulate();
    const { id, host } = instanceNamed(simulator, "alpha-04");
    await liveMigrate(admin.compute, id);
    expect((await getServer(admin.compute, id)).status).toBe("MIGRATING");
    await pass(MINUTE);
    const moved = await getServer(admin.compute, id);
    expect(moved).toMatchObject({ status: "ACTIVE" });
    expect(moved.host).not.toBe(host);
    const [row] = await listMigrations(admin.compute, { instance_uuid: id });
    expect(row).toMatchObject({ status: "completed", source_compute: host });
  });

  it("repeats itself with the same seed", async () => {
    const run = async (seed: number) => {
      const { simulator, admin, pass } = await simulate(undefined, { seed });
      for (const { id } of await listServers(admin.compute, all))
        await liveMigrate(admin.compute, id);
      await pass(10 * MINUTE);
      return [...simulator.world.instances.values()].map((one) => `${one.id} ${one.host}`);
    };
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
  });

  it("keeps capacity and anti-affinity while it moves everything about", async () => {
    const { simulator, admin, pass } = await simulate((spec) => ({
      ...spec,
      hosts: spec.hosts.map((host) => ({ ...host, memory_mb: 6_144, memory_ratio: 1 })),
    }));
    for (let round = 0; round < 3; round++) {
      for (const { id, status } of await listServers(admin.compute, all))
        if (status === "ACTIVE") await liveMigrate(admin.compute, id);
      await pass(10 * MINUTE);
      for (const host of await listServices(admin.compute)) {
        const guests = [...simulator.world.instances.values()].filter(
          (one) => one.host === host.host,
        );
        const memory = guests.reduce((sum, one) => sum + one.flavor.ram, 0);
        expect(memory).toBeLessThanOrEqual(6_144 - 512);
        const groups = guests.map((one) => one.group_id).filter((group) => group !== null);
        expect(new Set(groups).size).toBe(groups.length);
      }
    }
    expect(simulator.world.migrations.some((row) => row.status === "completed")).toBe(true);
  });

  it("writes down every accepted call and every change", async () => {
    const { simulator, admin, pass } = await simulate();
    const { id, host } = instanceNamed(simulator, "beta-04");
    await liveMigrate(admin.compute, id, { requestId: "req-ours" });
    await liveMigrate(admin.compute, id).catch(() => undefined);
    await pass(MINUTE);
    expect(simulator.journal).toEqual([
      {
        at: START,
        service: "compute",
        method: "POST",
        path: `/servers/${id}/action`,
        body: { "os-migrateLive": { host: null, block_migration: "auto" } },
        requestId: "req-ours",
        status: 202,
        user: "admin",
        project_id: expect.any(String),
      },
    ]);
    const moves = simulator.world.history.filter((one) => one.id === id && one.field === "host");
    expect(moves).toMatchObject([{ before: host }]);
  });
});

describe("trouble", () => {
  it("of a lost answer: the call happens and its caller cannot know", async () => {
    const { simulator, admin } = await simulate();
    const { id } = instanceNamed(simulator, "alpha-04");
    simulator.happen({
      kind: "fault",
      fault: { body: "os-migrateLive", times: 1, effect: { kind: "reset_after" } },
    });
    await expect(liveMigrate(admin.compute, id)).rejects.toMatchObject({
      name: "TransientOpenStackError",
      sent: true,
    });
    expect(simulator.journal).toHaveLength(1);
    await expect(liveMigrate(admin.compute, id)).rejects.toMatchObject({ status: 409 });
  });

  it("of a service that is down concerns that service alone", async () => {
    const { simulator, admin } = await simulate();
    await admin.token();
    simulator.happen({
      kind: "fault",
      fault: { service: "placement", effect: { kind: "error", status: 503, html: true } },
    });
    await expect(findProvider(admin.placement, "cmp-01")).rejects.toMatchObject({ status: 503 });
    expect(await listServices(admin.compute)).toHaveLength(4);
    simulator.happen({ kind: "clear_faults" });
    expect(await findProvider(admin.placement, "cmp-01")).toBeDefined();
  });

  it("of a cell that is down hides its servers from whoever filters, and blanks them for others", async () => {
    const { simulator, admin } = await simulate((spec) => ({
      ...spec,
      hosts: spec.hosts.map((host, index) => ({ ...host, cell: index < 2 ? "cell1" : "cell2" })),
    }));
    simulator.happen({ kind: "cell_down", cell: "cell2" });
    expect(await listServers(admin.compute, { ...all, host: "cmp-03" })).toEqual([]);
    const everything = await listServers(admin.compute, all);
    expect(everything).toHaveLength(8);
    expect(everything.some((server) => server.partial)).toBe(true);
    expect((await getService(admin.compute, "cmp-03"))?.status).toBe("UNKNOWN");
    simulator.happen({ kind: "cell_up", cell: "cell2" });
    expect(await listServers(admin.compute, { ...all, host: "cmp-03" })).not.toEqual([]);
  });

  it("of a dead host shows when its heartbeat is late", async () => {
    const { simulator, admin, pass } = await simulate();
    simulator.happen({ kind: "kill_host", host: "cmp-01" });
    await pass(30_000);
    const late = await getService(admin.compute, "cmp-01");
    expect(late?.state).toBe("up");
    await pass(MINUTE);
    expect(await getService(admin.compute, "cmp-01")).toMatchObject({
      state: "down",
      updated_at: late?.updated_at,
    });
  });

  it("of a host that comes back smaller is seen in Placement", async () => {
    const { simulator, admin } = await simulate();
    simulator.happen({ kind: "kill_host", host: "cmp-01" });
    simulator.happen({ kind: "start_host", host: "cmp-01", memory_mb: 32_768 });
    const provider = await findProvider(admin.placement, "cmp-01");
    const { MEMORY_MB } = await inventories(admin.placement, provider?.uuid ?? "");
    expect(MEMORY_MB?.total).toBe(32_768);
  });

  it("of a newer hypervisor: no guest goes back to an older one", async () => {
    const { simulator, admin, pass } = await simulate();
    const { id, host } = instanceNamed(simulator, "alpha-04");
    simulator.happen({ kind: "start_host", host: host ?? "", hypervisor_version: 2_000 });
    await liveMigrate(admin.compute, id);
    await pass(MINUTE);
    expect((await listMigrations(admin.compute, { instance_uuid: id }))[0]?.status).toBe("error");
  });

  it("of hidden guests: soft-deleted servers show only to whoever asks for them", async () => {
    const { simulator, admin } = await simulate();
    const { id, host } = instanceNamed(simulator, "alpha-04");
    simulator.happen({ kind: "set_instance", instance: id, vm_state: "soft-delete" });
    const here = { ...all, host: host ?? "" };
    const ids = async (query: object) =>
      (await listServers(admin.compute, query)).map((one) => one.id);
    expect(await ids(here)).not.toContain(id);
    expect(await ids({ ...here, soft_deleted: true })).toContain(id);
  });

  it("of guests that come and go by themselves", async () => {
    const { simulator, admin } = await simulate();
    const instance = { name: "stray", project: "alpha", flavor: "m1.tiny", host: "cmp-02" };
    const id = simulator.happen({ kind: "appear", instance }) ?? "";
    const provider = await findProvider(admin.placement, "cmp-02");
    const held = () => allocations(admin.placement, provider?.uuid ?? "");
    expect(Object.keys(await held())).toContain(id);
    simulator.happen({ kind: "vanish", instance: id });
    expect(Object.keys(await held())).not.toContain(id);
    await expect(getServer(admin.compute, id)).rejects.toMatchObject({ status: 404 });
  });

  it("of a guest that is deleted while it moves: nothing of it stays behind", async () => {
    const { simulator, admin, pass } = await simulate();
    const { id } = instanceNamed(simulator, "alpha-04");
    simulator.happen({ kind: "driver", faults: { [id]: { live_migration: { outcome: "hang" } } } });
    await liveMigrate(admin.compute, id);
    await pass(10_000);
    const [row] = simulator.world.migrations;
    expect(row?.status).toBe("running");
    simulator.happen({ kind: "vanish", instance: id });
    await pass(10_000);
    const consumers = [...simulator.world.allocations.keys()];
    expect(consumers).not.toContain(id);
    expect(consumers).not.toContain(row?.uuid);
    expect(row?.status).toBe("cancelled");
  });

  it("of a token that expires is met with a new one", async () => {
    const { admin, pass } = await simulate((spec) => ({ ...spec, token_ms: 90_000 }));
    await listServices(admin.compute);
    await pass(2 * MINUTE);
    expect(await listServices(admin.compute)).toHaveLength(4);
  });

  it("of a transfer that never ends is given up by Nova itself", async () => {
    const { simulator, admin, pass } = await simulate();
    const { id } = instanceNamed(simulator, "alpha-04");
    simulator.happen({ kind: "driver", faults: { [id]: { live_migration: { outcome: "hang" } } } });
    await liveMigrate(admin.compute, id);
    await pass(5 * MINUTE);
    expect((await getServer(admin.compute, id)).status).toBe("MIGRATING");
    await pass(5 * MINUTE);
    const [row] = await listMigrations(admin.compute, { instance_uuid: id });
    expect(row?.status).toBe("cancelled");
  });
});

describe("its monitoring", () => {
  it("keeps Masakari's flag, and refuses to while it recovers something", async () => {
    const { simulator, admin } = await simulate();
    const monitor = masakari({ client: admin.service("instance-ha") });
    const silence = { host: "cmp-01", key: "k", from: "", until: "", comment: "" };
    await monitor.silence(silence);
    expect(simulator.world.hosts.get("cmp-01")?.on_maintenance).toBe(true);
    simulator.happen({ kind: "recovering", on: true });
    await expect(monitor.silence({ ...silence, host: "cmp-02" })).rejects.toMatchObject({
      name: "TransientError",
    });
    simulator.happen({ kind: "recovering", on: false });
    await monitor.restore("cmp-01", "k", { silenced: false });
    expect(simulator.world.hosts.get("cmp-01")?.on_maintenance).toBe(false);
  });

  it("keeps Alertmanager's silences until they end by the cloud's clock", async () => {
    const { simulator, pass } = await simulate();
    const send = async ({ url, ...init }: EgressRequest) => {
      const response = await fetch(url, init as RequestInit);
      return { status: response.status, headers: {}, body: await response.text() };
    };
    const monitor = alertmanager({ url: simulator.alertmanagerUrl, hostLabel: "instance", send });
    const instant = (ms: number) => new Date(START + ms).toISOString();
    const silence = { host: "cmp-01", key: "k", comment: "work", from: instant(0) };
    await monitor.silence({ ...silence, until: instant(MINUTE) });
    await monitor.silence({ ...silence, until: instant(2 * MINUTE) });
    const states = async () => {
      const response = await fetch(`${simulator.alertmanagerUrl}/api/v2/silences`);
      const schema = z.array(z.object({ status: z.object({ state: z.string() }) }));
      return schema.parse(await response.json()).map((one) => one.status.state);
    };
    expect(await states()).toEqual(["active"]);
    await pass(3 * MINUTE);
    expect(await states()).toEqual(["expired"]);
  });
});

describe("other processes", () => {
  it("read the world and the journal, and make things happen", async () => {
    const { simulator, admin } = await simulate();
    const ask = async (path: string, body?: unknown) => {
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const response = await fetch(`${simulator.url}/_simulator${path}`, init);
      return { status: response.status, body: await response.json() };
    };
    const service = await getService(admin.compute, "cmp-01");
    await disableService(admin.compute, service?.id ?? "", "work");
    const { body: world } = await ask("/world");
    expect(world).toMatchObject({ now: START, down_cells: [] });
    expect(z.object({ instances: z.array(z.unknown()) }).parse(world).instances).toHaveLength(8);
    expect(JSON.stringify(world)).not.toContain('"password"');
    expect((await ask("/journal")).body).toMatchObject({
      journal: [{ method: "PUT", user: "admin" }],
    });
    expect((await ask("/deeds", { kind: "kill_host", host: "cmp-02" })).status).toBe(200);
    expect(simulator.world.hosts.get("cmp-02")?.power).toBe("off");
    const refused = await ask("/deeds", { kind: "kill_host", host: "nowhere" });
    expect(refused).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("nowhere") },
    });
  });

  it("are told by path and method what there is not", async () => {
    const { simulator, admin } = await simulate();
    expect((await fetch(`${simulator.url}/elsewhere`)).status).toBe(404);
    await expect(call(admin.compute, "/os-nothing", z.unknown())).rejects.toMatchObject({
      status: 404,
    });
  });
});
