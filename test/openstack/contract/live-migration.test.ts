import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import {
  getInstanceAction,
  listInstanceActions,
} from "../../../lib/openstack/compute/instance-actions.ts";
import {
  abortMigration,
  forceComplete,
  listServerMigrations,
} from "../../../lib/openstack/compute/migrations.ts";
import { listServerGroups } from "../../../lib/openstack/compute/server-groups.ts";
import { getServer, listServers, liveMigrate } from "../../../lib/openstack/compute/servers.ts";
import { disableService, enableService } from "../../../lib/openstack/compute/services.ts";
import { call } from "../../../lib/openstack/http.ts";
import {
  allocationsOf,
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

/** The row once it transfers memory. */
const running = (id: string, after: number) =>
  eventually(`the transfer of ${id}`, async () => {
    const row = await newestMigration(cloud, id);
    return row && row.id > after && row.status === "running" && row;
  });

const NO_VALID_HOST = "No valid host was found. There are not enough hosts available.";

describe("a live migration", () => {
  it("shows at once, is accounted for at both hosts, and ends after the server has moved", async () => {
    const server = await someServer(cloud, { grouped: false });
    const target = await otherHost(cloud, server.host);
    await cloud.behave({ [server.id]: { live_migration: { seconds: 3 } } });
    const after = await lastRow(cloud, server.id);
    const { requestId } = await liveMigrate(cloud.admin.compute, server.id, { host: target.host });
    expect(await getServer(cloud.admin.compute, server.id)).toMatchObject({
      status: "MIGRATING",
      task_state: "migrating",
      host: server.host,
    });
    const row = await running(server.id, after);
    expect(row).toMatchObject({
      migration_type: "live-migration",
      source_compute: server.host,
      dest_compute: target.host,
    });
    const [from, to] = await Promise.all(
      [server.host, target.host].map(
        async (host) => (await findProvider(cloud.admin.placement, host))?.uuid ?? "",
      ),
    );
    expect(Object.keys(await allocationsOf(cloud.admin.placement, row.uuid))).toEqual([from]);
    expect(Object.keys(await allocationsOf(cloud.admin.placement, server.id))).toEqual([to]);
    expect((await listServerMigrations(cloud.admin.compute, server.id)).map((it) => it.id)).toEqual(
      [row.id],
    );

    const done = await outcomeOf(cloud, server.id, after);
    expect(done.row).toMatchObject({ id: row.id, status: "completed" });
    expect(done.server).toMatchObject({ status: "ACTIVE", host: target.host });
    expect(await allocationsOf(cloud.admin.placement, row.uuid)).toEqual({});
    expect(await listServerMigrations(cloud.admin.compute, server.id)).toEqual([]);
    const action = await getInstanceAction(cloud.admin.compute, server.id, requestId ?? "");
    expect(action).toMatchObject({ action: "live-migration", message: null });
    const [newest] = await listInstanceActions(cloud.admin.compute, server.id, { limit: 1 });
    expect(newest?.request_id).toBe(requestId);
  });

  it("finds a host by itself, never a disabled one", async () => {
    const server = await someServer(cloud, { grouped: false });
    const open = await otherHost(cloud, server.host);
    const closed: string[] = [];
    try {
      for (;;) {
        const next = await otherHost(cloud, server.host, open.host).catch(() => undefined);
        if (!next) break;
        await disableService(cloud.admin.compute, next.id, "contract");
        closed.push(next.id);
      }
      const after = await lastRow(cloud, server.id);
      await liveMigrate(cloud.admin.compute, server.id);
      const { row, server: moved } = await outcomeOf(cloud, server.id, after);
      expect(row.status).toBe("completed");
      expect(moved.host).toBe(open.host);
    } finally {
      for (const id of closed) await enableService(cloud.admin.compute, id);
    }
  });

  it("leaves a disabled host", async () => {
    const server = await someServer(cloud, { grouped: false });
    const services = await call(
      cloud.admin.compute,
      `/os-services?host=${server.host}&binary=nova-compute`,
      z.object({ services: z.array(z.object({ id: z.string() })) }),
    );
    const id = services.services[0]?.id ?? "";
    await disableService(cloud.admin.compute, id, "contract");
    try {
      const after = await lastRow(cloud, server.id);
      await liveMigrate(cloud.admin.compute, server.id);
      const { row, server: moved } = await outcomeOf(cloud, server.id, after);
      expect(row.status).toBe("completed");
      expect(moved.host).not.toBe(server.host);
    } finally {
      await enableService(cloud.admin.compute, id);
    }
  });

  it("is one at a time for a source: the others wait, all MIGRATING", async () => {
    const { id: first, host } = await someServer(cloud, { grouped: false });
    const { id: second, host: elsewhere } = await someServer(cloud, { grouped: false, not: first });
    if (elsewhere !== host) {
      const after = await lastRow(cloud, second);
      await liveMigrate(cloud.admin.compute, second, { host });
      expect((await outcomeOf(cloud, second, after)).row.status).toBe("completed");
    }
    await cloud.behave({ [host]: { live_migration: { seconds: 4 } } });
    const two = [{ id: first }, { id: second }];
    const before = await Promise.all(two.map(({ id }) => lastRow(cloud, id)));
    for (const { id } of two) await liveMigrate(cloud.admin.compute, id);
    await eventually("one running, one queued", async () => {
      const rows = await Promise.all(two.map(({ id }) => newestMigration(cloud, id)));
      return (
        rows
          .map((row) => row?.status)
          .sort()
          .join() === "queued,running"
      );
    });
    const ends = two.map(({ id }, index) => outcomeOf(cloud, id, before[index] ?? 0));
    expect((await Promise.all(ends)).map(({ row }) => row.status)).toEqual([
      "completed",
      "completed",
    ]);
  });

  it("of a locked server goes ahead for an admin", async () => {
    const server = await someServer(cloud, { grouped: false });
    const lock = (action: string) =>
      call(cloud.admin.compute, `/servers/${server.id}/action`, z.unknown(), {
        method: "POST",
        body: { [action]: null },
      });
    await lock("lock");
    try {
      expect((await getServer(cloud.admin.compute, server.id)).locked).toBe(true);
      const after = await lastRow(cloud, server.id);
      await liveMigrate(cloud.admin.compute, server.id);
      expect((await outcomeOf(cloud, server.id, after)).row.status).toBe("completed");
    } finally {
      await lock("unlock");
    }
  });
});

describe("a live migration is refused at once", () => {
  it("while another one runs, and an abort brings the server back to rest", async () => {
    const server = await someServer(cloud, { grouped: false });
    await cloud.behave({ [server.id]: { live_migration: { outcome: "hang" } } });
    const after = await lastRow(cloud, server.id);
    await liveMigrate(cloud.admin.compute, server.id);
    await expect(liveMigrate(cloud.admin.compute, server.id)).rejects.toMatchObject({
      status: 409,
      detail: `Cannot 'os-migrateLive' instance ${server.id} while it is in task_state migrating`,
    });
    const row = await running(server.id, after);
    await abortMigration(cloud.admin.compute, server.id, row.id);
    const end = await outcomeOf(cloud, server.id, after);
    expect(end.row.status).toBe("cancelled");
    expect(end.server).toMatchObject({ status: "ACTIVE", host: server.host });
  });

  it("to a host that does not exist", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    await expect(liveMigrate(cloud.admin.compute, id, { host: "nowhere" })).rejects.toMatchObject({
      status: 400,
      detail: "Compute host nowhere could not be found.",
    });
  });

  it("without block_migration, and with force", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    const ask = (body: object) =>
      call(cloud.admin.compute, `/servers/${id}/action`, z.unknown(), {
        method: "POST",
        body: { "os-migrateLive": body },
      });
    await expect(ask({ host: null })).rejects.toMatchObject({
      status: 400,
      detail:
        "Invalid input for field/attribute os-migrateLive. Value: {'host': None}. 'block_migration' is a required property",
    });
    await expect(
      ask({ host: "cmp-01", block_migration: "auto", force: true }),
    ).rejects.toMatchObject({
      status: 400,
      detail: expect.stringContaining(
        "Additional properties are not allowed ('force' was unexpected)",
      ),
    });
  });

  it("to its owner, who may not, and to others, who do not see it", async () => {
    const [mine] = await listServers(cloud.alice.compute);
    const id = mine?.id ?? "";
    await expect(liveMigrate(cloud.alice.compute, id)).rejects.toMatchObject({
      status: 403,
      detail: "Policy doesn't allow os_compute_api:os-migrate-server:migrate_live to be performed.",
    });
    await expect(liveMigrate(cloud.bob.compute, id)).rejects.toMatchObject({
      status: 404,
      detail: `Instance ${id} could not be found.`,
    });
    await expect(listServerMigrations(cloud.alice.compute, id)).rejects.toMatchObject({
      status: 403,
    });
  });
});

describe("an accepted live migration fails later", () => {
  const fails = async (id: string, host: string | null) => {
    const source = (await getServer(cloud.admin.compute, id)).host;
    const after = await lastRow(cloud, id);
    const { requestId } = await liveMigrate(cloud.admin.compute, id, { host });
    const { row, server } = await outcomeOf(cloud, id, after);
    expect(server).toMatchObject({ status: "ACTIVE", host: source });
    const action = await getInstanceAction(cloud.admin.compute, id, requestId ?? "");
    return { row, action, errors: action.events.filter((event) => event.result === "Error") };
  };

  it("when the target is its own host", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    const { row, errors } = await fails(id, host);
    expect(row.status).toBe("error");
    expect(errors[0]).toMatchObject({ event: "conductor_live_migrate_instance" });
  });

  it("when the target is disabled", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    const target = await otherHost(cloud, host);
    await disableService(cloud.admin.compute, target.id, "contract");
    try {
      const { row, errors } = await fails(id, target.host);
      expect(row.status).toBe("error");
      expect(errors[0]?.details).toContain("No valid host was found.");
    } finally {
      await enableService(cloud.admin.compute, target.id);
    }
  });

  it("when its group's anti-affinity would break", async () => {
    const { id, server_groups } = await someServer(cloud, { grouped: true });
    const groups = await listServerGroups(cloud.admin.compute, { all_projects: true });
    const group = groups.find((one) => one.id === server_groups?.[0]);
    const other = group?.members.find((member) => member !== id) ?? "";
    const { host } = await getServer(cloud.admin.compute, other);
    const { row, errors } = await fails(id, host);
    expect(row).toMatchObject({ status: "error" });
    expect(errors[0]).toMatchObject({
      event: "conductor_live_migrate_instance",
      details: NO_VALID_HOST,
    });
  });

  it("when the target's check refuses it", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    const target = await otherHost(cloud, host);
    await cloud.behave({ [id]: { precheck: { outcome: "fail" } } });
    const { row, errors } = await fails(id, target.host);
    expect(row.status).toBe("error");
    expect(errors.map((event) => event.event)).toContain(
      "compute_check_can_live_migrate_destination",
    );
  });

  it("when the target cannot be made ready", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    const target = await otherHost(cloud, host);
    await cloud.behave({ [id]: { pre_migration: { outcome: "fail" } } });
    const { row, errors } = await fails(id, target.host);
    expect(["error", "failed"]).toContain(row.status);
    await eventually("`failed` after `error`", async () => {
      const end = await newestMigration(cloud, id);
      return end?.id === row.id && end.status === "failed";
    });
    expect(errors.map((event) => event.event)).toContain("compute_pre_live_migration");
  });

  it("when the transfer breaks off, of which no event tells", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    const target = await otherHost(cloud, host);
    await cloud.behave({ [id]: { live_migration: { outcome: "fail" } } });
    const { row, action, errors } = await fails(id, target.host);
    expect(row.status).toBe("failed");
    expect(action.message).toBeNull();
    expect(errors).toEqual([]);
  });
});

describe("a live migration that does not come to its end", () => {
  it("is completed by force", async () => {
    const server = await someServer(cloud, { grouped: false });
    await cloud.behave({ [server.id]: { live_migration: { outcome: "hang" } } });
    const after = await lastRow(cloud, server.id);
    await liveMigrate(cloud.admin.compute, server.id);
    const row = await running(server.id, after);
    await forceComplete(cloud.admin.compute, server.id, row.id);
    const end = await outcomeOf(cloud, server.id, after);
    expect(end.row.status).toBe("completed");
    expect(end.server.host).toBe(row.dest_compute);
  });

  it("cannot be forced while its server does not move, nor under another id", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    await expect(forceComplete(cloud.admin.compute, id, 1)).rejects.toMatchObject({
      status: 409,
      detail: `Instance ${id} is in an invalid state for 'force_complete'`,
    });
    await cloud.behave({ [id]: { live_migration: { outcome: "hang" } } });
    const after = await lastRow(cloud, id);
    await liveMigrate(cloud.admin.compute, id);
    const row = await running(id, after);
    const other = forceComplete(cloud.admin.compute, id, row.id + 1_000);
    await expect(other).rejects.toMatchObject({ status: 400 });
    await abortMigration(cloud.admin.compute, id, row.id);
    expect((await outcomeOf(cloud, id, after)).row.status).toBe("cancelled");
  });

  it("cannot be aborted once it is over", async () => {
    const server = await someServer(cloud, { grouped: false });
    const after = await lastRow(cloud, server.id);
    await liveMigrate(cloud.admin.compute, server.id);
    const { row } = await outcomeOf(cloud, server.id, after);
    await expect(abortMigration(cloud.admin.compute, server.id, row.id)).rejects.toMatchObject({
      name: "OpenStackError",
    });
  });
});
