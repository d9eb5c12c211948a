import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type Cloud, openCloud } from "../../lib/openstack/cloud.ts";
import { listFlavors } from "../../lib/openstack/compute/flavors.ts";
import { listHypervisors } from "../../lib/openstack/compute/hypervisors.ts";
import { getInstanceAction } from "../../lib/openstack/compute/instance-actions.ts";
import { listMigrations } from "../../lib/openstack/compute/migrations.ts";
import { act, shelveOffload } from "../../lib/openstack/compute/server-actions.ts";
import {
  coldMigrate,
  confirmResize,
  getServer,
  listServers,
  liveMigrate,
  revertResize,
  type Server,
} from "../../lib/openstack/compute/servers.ts";
import { getService } from "../../lib/openstack/compute/services.ts";
import { call } from "../../lib/openstack/http.ts";
import { allocations } from "../../lib/openstack/placement/resource-providers.ts";
import { eventually } from "./contract/contract-cloud.ts";
import { healLab, labClouds, restartNovaApi, setFaults } from "./lab.ts";
import { cloudConfigOf } from "./lull-on-lab.ts";

/**
 * What a real Nova does with each kind of instance when its host has to be emptied. Whoever asks is
 * the role that Lull has; what an owner does is done by alice.
 */
let admin: Cloud;
let operator: Cloud;
let alice: Cloud;
const mine: string[] = [];

beforeAll(async () => {
  const open = async (cloud: string) => openCloud(await cloudConfigOf(cloud));
  admin = await open(labClouds.admin);
  operator = await open(labClouds.operator);
  alice = await open(labClouds.alice);
});

afterEach(async () => {
  await setFaults({});
  for (const id of mine.splice(0)) await destroy(id);
});

afterAll(healLab);

const idSchema = z.object({ id: z.string() });

/** The first thing of a list that carries this name. */
const named = async (path: string, key: string, name: string): Promise<string> => {
  const client = key === "networks" ? alice.network : alice.service("image");
  const schema = z.object({ [key]: z.array(idSchema.extend({ name: z.string() })) });
  const found = (await call(client, path, schema))[key]?.find((one) => one.name === name);
  if (!found) throw new Error(`the lab has no ${name} in ${key}`);
  return found.id;
};

const flavor = async (name: string): Promise<string> =>
  (await listFlavors(alice.compute)).find((one) => one.name === name)?.id ?? "";

type Wish = { readonly group?: string; readonly port?: string; readonly wait?: boolean };

/** A new server of alice's, ACTIVE unless told not to wait. */
const boot = async ({
  group,
  port,
  wait = true,
}: Wish = {}): Promise<Server & { host: string }> => {
  const network = await named("/networks", "networks", "net");
  const { server } = await call(alice.compute, "/servers", z.object({ server: idSchema }), {
    method: "POST",
    body: {
      server: {
        name: `odd-${mine.length}`,
        imageRef: await named("/v2/images", "images", "cirros"),
        flavorRef: await flavor("m1.tiny"),
        networks: [port === undefined ? { uuid: network } : { port }],
      },
      ...(group !== undefined && { "os:scheduler_hints": { group } }),
    },
  });
  mine.push(server.id);
  return wait ? settled(server.id, "ACTIVE") : { ...(await show(server.id)), host: "" };
};

const show = (id: string): Promise<Server> => getServer(admin.compute, id);

/** The server once it rests in that status; an offloaded one still names its host for a moment. */
const settled = (id: string, status: string): Promise<Server & { host: string }> =>
  eventually(`${id} ${status}`, async () => {
    const server = await show(id);
    if (server.status === "ERROR" && status !== "ERROR") throw new Error(`${id} is in ERROR`);
    return (
      server.status === status &&
      server.task_state === null &&
      (status !== "SHELVED_OFFLOADED" || server.host === null) && {
        ...server,
        host: server.host ?? "",
      }
    );
  });

const destroy = async (id: string): Promise<void> => {
  await call(admin.compute, `/servers/${id}/action`, z.unknown(), {
    method: "POST",
    body: { forceDelete: null },
  }).catch(() => {});
  await eventually(`the end of ${id}`, () =>
    show(id).then(
      () => false,
      (error: { status: number }) => error.status === 404,
    ),
  );
};

/** A confirmation and all that Nova tidies up after the server is at rest: what a next move would meet. */
const confirmed = async (id: string): Promise<void> => {
  const { requestId } = await confirmResize(operator.compute, id);
  await eventually(`the confirmation of ${id}`, async () => {
    const { events } = await getInstanceAction(admin.compute, id, requestId ?? "");
    return events.some(
      ({ event, finish_time }) => event === "compute_confirm_resize" && finish_time !== null,
    );
  });
};

const asOwner = (id: string, body: unknown) => act(alice.compute, id, body, { expect: [200, 202] });

/** How Nova answers when Lull's role asks: its words, or "accepted". */
const answerTo = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "accepted",
    (error: { status: number; detail: string }) => `${error.status} ${error.detail}`,
  );

const live = (id: string, host: string | null = null) =>
  answerTo(liveMigrate(operator.compute, id, { host }));
const cold = (id: string) => answerTo(coldMigrate(operator.compute, id));

const inState = (method: string, id: string, vmState: string) =>
  `409 Cannot '${method}' instance ${id} while it is in vm_state ${vmState}`;

/** The end of the newest migration. */
const lastMigration = (id: string) =>
  eventually(`a migration of ${id}`, async () => {
    const [row] = await listMigrations(admin.compute, { instance_uuid: id, limit: 1 });
    const over = row && /completed|error|failed|finished|confirmed/.test(row.status);
    return over && (await show(id)).task_state === null && row;
  });

/** Ids of all that Placement knows on a host. */
const consumersOn = async (host: string): Promise<string[]> => {
  const hypervisor = (await listHypervisors(admin.compute)).find(
    ({ hypervisor_hostname }) => hypervisor_hostname === host,
  );
  return Object.keys(await allocations(admin.placement, hypervisor?.id ?? ""));
};

const otherHosts = async (not: string): Promise<string[]> =>
  (await listHypervisors(admin.compute))
    .map(({ hypervisor_hostname }) => hypervisor_hostname)
    .filter((host) => host !== not);

describe("an instance that is not running", () => {
  it("PAUSED moves live, and stays paused; it does not move cold", async () => {
    const { id, host } = await boot();
    await asOwner(id, { pause: null });
    const paused = await settled(id, "PAUSED");
    expect(await cold(id)).toBe(inState("migrate", id, "paused"));
    expect(await live(id)).toBe("accepted");
    expect(await lastMigration(id)).toMatchObject({ status: "completed" });
    const moved = await settled(id, "PAUSED");
    expect(moved.host).not.toBe(host);
    expect(moved.power_state).toBe(paused.power_state);
  });

  it("SHUTOFF moves cold only, and stays SHUTOFF, confirmed or reverted", async () => {
    const { id, host } = await boot();
    await asOwner(id, { "os-stop": null });
    await settled(id, "SHUTOFF");
    expect(await live(id)).toBe(inState("os-migrateLive", id, "stopped"));
    expect(await cold(id)).toBe("accepted");
    expect((await settled(id, "VERIFY_RESIZE")).host).not.toBe(host);
    await confirmed(id);
    const moved = await settled(id, "SHUTOFF");
    expect(moved.host).not.toBe(host);
    await coldMigrate(operator.compute, id);
    await settled(id, "VERIFY_RESIZE");
    await revertResize(operator.compute, id);
    expect((await settled(id, "SHUTOFF")).host).toBe(moved.host);
  });

  it("SUSPENDED moves neither way", async () => {
    const { id } = await boot();
    await asOwner(id, { suspend: null });
    await settled(id, "SUSPENDED");
    expect(await live(id)).toBe(inState("os-migrateLive", id, "suspended"));
    expect(await cold(id)).toBe(inState("migrate", id, "suspended"));
  });

  it("RESCUE moves neither way", async () => {
    const { id } = await boot();
    await asOwner(id, { rescue: {} });
    await settled(id, "RESCUE");
    expect(await live(id)).toBe(inState("os-migrateLive", id, "rescued"));
    expect(await cold(id)).toBe(inState("migrate", id, "rescued"));
  });

  it("SHELVED holds its host until it is offloaded, which the role may do; then it is on none", async () => {
    const { id, host } = await boot();
    await asOwner(id, { shelve: null });
    await settled(id, "SHELVED");
    expect(await live(id)).toBe(inState("os-migrateLive", id, "shelved"));
    expect(await cold(id)).toBe(inState("migrate", id, "shelved"));
    expect(await consumersOn(host)).toContain(id);
    await shelveOffload(operator.compute, id);
    expect((await settled(id, "SHELVED_OFFLOADED")).host).toBe("");
    expect(await consumersOn(host)).not.toContain(id);
    expect(await live(id)).toBe(inState("os-migrateLive", id, "shelved_offloaded"));
    expect(await answerTo(shelveOffload(operator.compute, id))).toBe(
      inState("shelveOffload", id, "shelved_offloaded"),
    );
  });

  it("in ERROR moves neither way, and only an admin resets its state", async () => {
    const { id } = await boot();
    const reset = (cloud: Cloud, state: string) =>
      answerTo(act(cloud.compute, id, { "os-resetState": { state } }));
    await reset(admin, "error");
    await settled(id, "ERROR");
    expect(await live(id)).toBe(inState("os-migrateLive", id, "error"));
    expect(await cold(id)).toBe(inState("migrate", id, "error"));
    expect(await reset(operator, "active")).toMatch(/^403 .*os-admin-actions:reset_state/);
    expect(await reset(admin, "active")).toBe("accepted");
  });

  it("still being built moves neither way", async () => {
    await setFaults({ "*": { spawn: { seconds: 8 } } });
    const { id } = await boot({ wait: false });
    expect(await live(id)).toBe(inState("os-migrateLive", id, "building"));
    expect(await cold(id)).toBe(inState("migrate", id, "building"));
    await setFaults({});
    await settled(id, "ACTIVE");
  });

  it("SOFT_DELETED is shown only to who asks for it, holds its host, and moves neither way", async () => {
    await restartNovaApi({ RECLAIM_INTERVAL: "86400" });
    try {
      const { id, host } = await boot();
      await call(alice.compute, `/servers/${id}`, z.unknown(), { method: "DELETE" });
      const listed = (soft_deleted: boolean) =>
        listServers(operator.compute, { all_tenants: true, host, soft_deleted });
      await eventually("the deletion", async () =>
        (await listed(true)).some((one) => one.id === id && one.status === "SOFT_DELETED"),
      );
      expect((await listed(false)).map((one) => one.id)).not.toContain(id);
      expect(await consumersOn(host)).toContain(id);
      expect(await live(id)).toBe(inState("os-migrateLive", id, "soft-delete"));
      expect(await cold(id)).toBe(inState("migrate", id, "soft-delete"));
    } finally {
      for (const id of mine.splice(0)) await destroy(id);
      await restartNovaApi({ RECLAIM_INTERVAL: "0" });
    }
  });
});

describe("an instance that its owner is about to resize", () => {
  it("moves neither way in VERIFY_RESIZE, and holds both hosts until its owner decides", async () => {
    const { id, host } = await boot();
    await asOwner(id, { resize: { flavorRef: await flavor("m1.small") } });
    const resized = await settled(id, "VERIFY_RESIZE");
    const row = await lastMigration(id);
    expect(row).toMatchObject({ migration_type: "resize", status: "finished" });
    expect(await live(id)).toBe(inState("os-migrateLive", id, "resized"));
    expect(await cold(id)).toBe(inState("migrate", id, "resized"));
    expect(await consumersOn(host)).toContain(row.uuid);
    expect(await consumersOn(resized.host)).toContain(id);
    await revertResize(alice.compute, id);
    expect((await settled(id, "ACTIVE")).host).toBe(host);
  });
});

describe("an instance that its owner has locked", () => {
  it("moves for an admin as well as for the role, and not a hand may its owner lay on it", async () => {
    const { id } = await boot();
    await asOwner(id, { lock: { locked_reason: "mine" } });
    expect(await answerTo(asOwner(id, { "os-stop": null }))).toBe(`409 Instance ${id} is locked`);
    for (const cloud of [operator, admin]) {
      const { host } = await show(id);
      await liveMigrate(cloud.compute, id);
      expect(await lastMigration(id)).toMatchObject({ status: "completed" });
      expect(await settled(id, "ACTIVE")).toMatchObject({ locked: true, locked_reason: "mine" });
      expect((await show(id)).host).not.toBe(host);
    }
  });
});

/** A group of alice's, gone after the test's servers. */
const group = async (policy: string): Promise<string> => {
  const { server_group } = await call(
    alice.compute,
    "/os-server-groups",
    z.object({ server_group: idSchema }),
    { method: "POST", body: { server_group: { name: `odd-${policy}`, policy } } },
  );
  groups.push(server_group.id);
  return server_group.id;
};

const groups: string[] = [];
afterEach(async () => {
  for (const id of groups.splice(0))
    await call(alice.compute, `/os-server-groups/${id}`, z.unknown(), { method: "DELETE" });
});

describe("an instance in a group", () => {
  it.each([1, 2])(
    "of hard affinity with %i member(s) goes nowhere, asked live or cold",
    async (members) => {
      const id = await group("affinity");
      const servers = [await boot({ group: id })];
      if (members === 2) servers.push(await boot({ group: id }));
      const [one] = servers;
      if (!one) throw new Error("no server");
      expect(new Set(servers.map(({ host }) => host)).size).toBe(1);
      const [elsewhere = ""] = await otherHosts(one.host);
      for (const host of [null, elsewhere]) {
        expect(await live(one.id, host)).toBe("accepted");
        expect(await lastMigration(one.id)).toMatchObject({ status: "error" });
        expect(await settled(one.id, "ACTIVE")).toMatchObject({ host: one.host });
      }
      expect(await cold(one.id)).toBe("accepted");
      expect(await lastMigration(one.id)).toMatchObject({ status: "error" });
      expect(await settled(one.id, "ACTIVE")).toMatchObject({ host: one.host });
    },
  );

  it.each(["soft-affinity", "soft-anti-affinity"])(
    "of %s goes where it is sent",
    async (policy) => {
      const id = await group(policy);
      const one = await boot({ group: id });
      const two = await boot({ group: id });
      const target = policy === "soft-anti-affinity" ? two.host : (await otherHosts(one.host))[0];
      expect(await live(one.id, target ?? null)).toBe("accepted");
      await lastMigration(one.id);
      expect((await settled(one.id, "ACTIVE")).host).toBe(target);
    },
  );
});

describe("a port on a device", () => {
  it("cannot be made in the lab: its hosts have no devices, and Nova finds none that fits", async () => {
    const { port } = await call(alice.network, "/ports", z.object({ port: idSchema }), {
      method: "POST",
      body: {
        port: {
          network_id: await named("/networks", "networks", "net"),
          "binding:vnic_type": "direct",
        },
      },
    });
    try {
      const { id } = await boot({ port: port.id, wait: false });
      expect((await settled(id, "ERROR")).host).toBe("");
      await destroy(id);
    } finally {
      await call(alice.network, `/ports/${port.id}`, z.unknown(), { method: "DELETE" }).catch(
        () => {},
      );
    }
  });
});

describe("a host", () => {
  it("that was force-marked down by the role is down at once, and up again when unmarked", async () => {
    const [host = ""] = await otherHosts("");
    const service = await getService(operator.compute, host);
    const mark = (forced_down: boolean) =>
      call(operator.compute, `/os-services/${service?.id}`, z.unknown(), {
        method: "PUT",
        body: { forced_down },
      });
    await mark(true);
    try {
      expect((await getService(operator.compute, host))?.state).toBe("down");
    } finally {
      await mark(false);
    }
    expect((await getService(operator.compute, host))?.state).toBe("up");
  });
});
