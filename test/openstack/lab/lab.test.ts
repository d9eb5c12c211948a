import { beforeAll, beforeEach, expect, test } from "vitest";
import { actOnHosts, healLab, setFaults } from "../lab.ts";
import { type LabClient, login, type Server } from "./lab-client.ts";

let admin: LabClient;

beforeAll(async () => {
  admin = await login("admin", "admin");
});

beforeEach(healLab);

const batchServer = async (): Promise<Server> => {
  const found = (await admin.servers()).find((server) => server.metadata["tier"] === "batch");
  if (found === undefined) throw new Error("the lab has no server outside a server group");
  return found;
};

test("two tenants have servers on fake hosts, three of each spread by anti-affinity", async () => {
  const servers = await admin.servers();
  const projects = new Set(servers.map((server) => server.tenant_id));
  expect(projects.size).toBe(2);
  for (const project of projects) {
    const web = servers.filter((s) => s.tenant_id === project && s.metadata["tier"] === "web");
    expect(new Set(web.map((server) => server.host)).size).toBe(3);
  }
  const alice = await login("alice", "alpha");
  expect(await alice.servers()).toHaveLength(servers.length / 2);
});

test("a server moves to another host by live migration", async () => {
  const server = await batchServer();
  const migration = await admin.liveMigrate(server);
  await admin.ends(migration, "completed");
  expect((await admin.server(server.id)).host).not.toBe(server.host);
});

test("a disabled host is in maintenance and is not chosen as a target", async () => {
  const server = await batchServer();
  const others = (await admin.services()).filter((service) => service.host !== server.host);
  const [open, ...closed] = others;
  for (const service of closed) await admin.disable(service);
  await admin.ends(await admin.liveMigrate(server), "completed");
  expect((await admin.server(server.id)).host).toBe(open?.host);
});

test("a host that loses power goes down and comes back with its guests", async () => {
  const { id, host } = await batchServer();
  await actOnHosts("kill", host);
  await admin.untilHost(host, "down");
  await actOnHosts("start", host);
  await admin.untilHost(host, "up");
  const server = await admin.server(id);
  expect(server).toMatchObject({ host, status: "ACTIVE" });
  await admin.ends(await admin.liveMigrate(server), "completed");
});

test("a frozen host goes down and comes up when thawed", async () => {
  const { host } = await batchServer();
  await actOnHosts("freeze", host);
  await admin.untilHost(host, "down");
  await actOnHosts("thaw", host);
  await admin.untilHost(host, "up");
});

test("a host stops in order and starts again", async () => {
  const { host } = await batchServer();
  await actOnHosts("stop", host);
  await admin.untilHost(host, "down");
  await actOnHosts("start", host);
  await admin.untilHost(host, "up");
});

test.each([
  ["precheck", "error"],
  ["pre_migration", "failed"],
  ["live_migration", "failed"],
] as const)(
  "a fault in %s leaves the migration in %s and the server where it was",
  async (operation, end) => {
    const server = await batchServer();
    await setFaults({ "*": { [operation]: { outcome: "fail" } } });
    await admin.ends(await admin.liveMigrate(server), end);
    expect(await admin.server(server.id)).toMatchObject({ host: server.host, status: "ACTIVE" });
  },
);

test("a migration hangs until it is aborted", async () => {
  const server = await batchServer();
  await setFaults({ [server.id]: { live_migration: { outcome: "hang" } } });
  const migration = await admin.liveMigrate(server);
  await admin.until("running", async () => (await admin.migration(migration)).status === "running");
  await admin.abort(server, migration);
  await admin.ends(migration, "cancelled");
  expect((await admin.server(server.id)).host).toBe(server.host);
});

test("a hanging migration goes on when the fault is gone", async () => {
  const server = await batchServer();
  await setFaults({ [server.host]: { live_migration: { outcome: "hang" } } });
  const migration = await admin.liveMigrate(server);
  await admin.until("running", async () => (await admin.migration(migration)).status === "running");
  await setFaults({});
  await admin.ends(migration, "completed");
});

test("heal confirms a resize and repairs a server in ERROR, which then moves again", async () => {
  const moved = await batchServer();
  await admin.coldMigrate(moved);
  await admin.untilServer(moved, "VERIFY_RESIZE");
  await healLab();
  expect(await admin.server(moved.id)).toMatchObject({ status: "ACTIVE" });

  await setFaults({ [moved.id]: { finish_migration: { outcome: "fail" } } });
  await admin.coldMigrate(moved);
  await admin.untilServer(moved, "ERROR");
  await healLab();
  const healed = await admin.server(moved.id);
  expect(healed).toMatchObject({ status: "ACTIVE" });
  await admin.ends(await admin.liveMigrate(healed), "completed");
});

test("heal frees a server whose host died while it was leaving, for any other host", async () => {
  const server = await batchServer();
  await setFaults({ [server.id]: { live_migration: { outcome: "hang" } } });
  const migration = await admin.liveMigrate(server);
  await admin.until("running", async () => (await admin.migration(migration)).status === "running");
  await actOnHosts("kill", server.host);
  await healLab();
  const { status, dest_compute: target } = await admin.migration(migration);
  expect(status).toBe("error");
  await admin.ends(await admin.liveMigrate(server, target), "completed");
  expect((await admin.server(server.id)).host).toBe(target);
});
