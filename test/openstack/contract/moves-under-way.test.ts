import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  abortMigration,
  listServerMigrations,
  type ServerMigration,
} from "../../../lib/openstack/compute/migrations.ts";
import { getServer, liveMigrate, type Server } from "../../../lib/openstack/compute/servers.ts";
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

/** The one migration below a server, once it is so far. */
const underWay = (id: string, far: (row: ServerMigration) => boolean) =>
  eventually(`the migration below ${id}`, async () => {
    const [row] = await listServerMigrations(cloud.admin.compute, id);
    return row && far(row) && row;
  });

/** Two servers outside groups on one host. */
const twoOnOneHost = async (): Promise<[Server, Server]> => {
  const first = await someServer(cloud, { grouped: false });
  const second = await someServer(cloud, { grouped: false, not: first.id });
  if (second.host !== first.host) {
    const after = await lastRow(cloud, second.id);
    await liveMigrate(cloud.admin.compute, second.id, { host: first.host });
    expect((await outcomeOf(cloud, second.id, after)).row.status).toBe("completed");
  }
  return [first, second];
};

describe("a live migration under way", () => {
  it("tells how much memory is left, and it falls", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    await cloud.behave({ [id]: { live_migration: { seconds: 10 } } });
    const after = await lastRow(cloud, id);
    await liveMigrate(cloud.admin.compute, id);
    const first = await underWay(id, ({ memory_remaining_bytes: left }) => (left ?? 0) > 0);
    expect(first.memory_total_bytes).toBeGreaterThan(0);
    const left = first.memory_remaining_bytes ?? 0;
    await underWay(id, (row) => (row.memory_remaining_bytes ?? left) < left);
    expect((await outcomeOf(cloud, id, after)).row.status).toBe("completed");
  });

  it("can be aborted while it waits for its turn", async () => {
    const [first, second] = await twoOnOneHost();
    await cloud.behave({ [first.id]: { live_migration: { outcome: "hang" } } });
    const before = await lastRow(cloud, first.id);
    await liveMigrate(cloud.admin.compute, first.id);
    await underWay(first.id, ({ status }) => status === "running");
    const after = await lastRow(cloud, second.id);
    await liveMigrate(cloud.admin.compute, second.id);
    const queued = await underWay(second.id, ({ status }) => status === "queued");
    await abortMigration(cloud.admin.compute, second.id, queued.id);
    const { row, server } = await outcomeOf(cloud, second.id, after);
    expect(row.status).toBe("cancelled");
    expect(server).toMatchObject({ status: "ACTIVE", host: first.host });
    const [running] = await listServerMigrations(cloud.admin.compute, first.id);
    await abortMigration(cloud.admin.compute, first.id, running?.id ?? 0);
    expect((await outcomeOf(cloud, first.id, before)).row.status).toBe("cancelled");
  });

  it("whose target cannot be made ready leaves its server at rest before the row says `failed`", async () => {
    const { id, host } = await someServer(cloud, { grouped: false });
    const target = await otherHost(cloud, host);
    await cloud.behave({ [id]: { pre_migration: { outcome: "fail" } } });
    const after = await lastRow(cloud, id);
    await liveMigrate(cloud.admin.compute, id, { host: target.host });
    await eventually("an ended row", async () => {
      const row = await newestMigration(cloud, id);
      return row && row.id > after && ["error", "failed"].includes(row.status);
    });
    await eventually("`failed`, at rest", async () => {
      const row = await newestMigration(cloud, id);
      const { status, task_state } = await getServer(cloud.admin.compute, id);
      return row?.status === "failed" && status === "ACTIVE" && task_state === null;
    });
  });
});

describe("an abort", () => {
  it("of a server that is not moving is refused", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    await expect(abortMigration(cloud.admin.compute, id, 1)).rejects.toMatchObject({
      status: 409,
      detail: `Instance ${id} is in an invalid state for 'abort live migration'`,
    });
  });

  it("of another migration than the one under way finds nothing", async () => {
    const { id } = await someServer(cloud, { grouped: false });
    await cloud.behave({ [id]: { live_migration: { outcome: "hang" } } });
    const after = await lastRow(cloud, id);
    await liveMigrate(cloud.admin.compute, id);
    const row = await underWay(id, ({ status }) => status === "running");
    const wrong = abortMigration(cloud.admin.compute, id, row.id + 1_000);
    await expect(wrong).rejects.toMatchObject({ status: 404 });
    await abortMigration(cloud.admin.compute, id, row.id);
    expect((await outcomeOf(cloud, id, after)).row.status).toBe("cancelled");
  });
});
