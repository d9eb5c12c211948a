import { describe, expect, it } from "vitest";
import * as z from "zod";
import { openCloud } from "../../../lib/openstack/cloud.ts";
import { listAggregates } from "../../../lib/openstack/compute/aggregates.ts";
import { listHypervisors } from "../../../lib/openstack/compute/hypervisors.ts";
import { listMigrations, listServerMigrations } from "../../../lib/openstack/compute/migrations.ts";
import { resetState, stopServer } from "../../../lib/openstack/compute/server-actions.ts";
import { listServerGroups } from "../../../lib/openstack/compute/server-groups.ts";
import {
  coldMigrate,
  confirmResize,
  getServer,
  listServers,
  liveMigrate,
} from "../../../lib/openstack/compute/servers.ts";
import {
  deleteService,
  disableService,
  enableService,
  getService,
} from "../../../lib/openstack/compute/services.ts";
import { call } from "../../../lib/openstack/http.ts";
import { applicationCredential } from "../../../lib/openstack/identity/application-credentials.ts";
import { validateToken } from "../../../lib/openstack/identity/tokens.ts";
import { listAgents } from "../../../lib/openstack/network/agents.ts";
import { deleteBinding, listBindings, listPorts } from "../../../lib/openstack/network/ports.ts";
import {
  allocations,
  deleteAllocations,
  findProvider,
} from "../../../lib/openstack/placement/resource-providers.ts";
import type { Simulator } from "../../../localstack/openstack/simulator.ts";
import type { CloudSpec } from "../../../localstack/openstack/spec.ts";
import { instanceNamed, MINUTE, START, simulate } from "./stage.ts";

const stage = async (over: Partial<CloudSpec> = {}) => {
  const cloud = await simulate((spec) => ({ ...spec, ...over }));
  const operator = openCloud(cloud.simulator.operator, { timeoutMs: 2_000 });
  const alice = openCloud(cloud.simulator.tenants["alpha"] ?? cloud.simulator.config);
  const { id } = instanceNamed(cloud.simulator, "alpha-04");
  return { ...cloud, operator, alice, id };
};

const lock = (cloud: Awaited<ReturnType<typeof stage>>) =>
  call(cloud.alice.compute, `/servers/${cloud.id}/action`, z.unknown(), {
    method: "POST",
    body: { lock: null },
  });

const allTenants = { all_tenants: true };
const refused = { name: "OpenStackError", status: 403 };

describe("the role maintenance_operator", () => {
  it("sees hosts and servers of every project", async () => {
    const { operator, id } = await stage();
    expect(await listServers(operator.compute, allTenants)).toHaveLength(8);
    expect(await getServer(operator.compute, id)).toMatchObject({
      host: expect.stringMatching(/^cmp-/),
      host_status: "UP",
    });
    expect(await listServerGroups(operator.compute, { all_projects: true })).toHaveLength(2);
    expect(await listHypervisors(operator.compute)).toHaveLength(4);
    expect(await listAggregates(operator.compute)).toEqual([]);
    expect(await listAgents(operator.network)).toHaveLength(4);
    const [port] = await listPorts(operator.network, { device_id: id });
    expect(port?.host).toMatch(/^cmp-/);
    expect(await listBindings(operator.network, port?.id ?? "")).toHaveLength(1);
    const provider = await findProvider(operator.placement, "cmp-01");
    expect(Object.keys(await allocations(operator.placement, provider?.uuid ?? ""))).not.toEqual(
      [],
    );
  });

  it("takes hosts out of service and back, and moves servers, live and cold", async () => {
    const { operator, id, pass } = await stage();
    const service = await getService(operator.compute, "cmp-01");
    await disableService(operator.compute, service?.id ?? "", "lull");
    await enableService(operator.compute, service?.id ?? "");
    await liveMigrate(operator.compute, id);
    await pass(1_000);
    expect(await listServerMigrations(operator.compute, id)).toHaveLength(1);
    await pass(MINUTE);
    await coldMigrate(operator.compute, id);
    await pass(MINUTE);
    await confirmResize(operator.compute, id);
    await pass(MINUTE);
    const rows = await listMigrations(operator.compute, { instance_uuid: id });
    expect(rows.map(({ status }) => status)).toEqual(["confirmed", "completed"]);
  });

  it("may do nothing that a maintenance can do without", async () => {
    const { operator, id } = await stage();
    const service = await getService(operator.compute, "cmp-01");
    const [port] = await listPorts(operator.network, { device_id: id });
    await expect(deleteService(operator.compute, service?.id ?? "")).rejects.toMatchObject(refused);
    await expect(resetState(operator.compute, id, "active")).rejects.toMatchObject(refused);
    await expect(
      call(operator.compute, `/servers/${id}`, z.unknown(), { method: "DELETE" }),
    ).rejects.toMatchObject(refused);
    await expect(
      call(operator.compute, `/servers/${id}/action`, z.unknown(), {
        method: "POST",
        body: { pause: null },
      }),
    ).rejects.toMatchObject(refused);
    await expect(deleteAllocations(operator.placement, id)).rejects.toMatchObject(refused);
    await expect(deleteBinding(operator.network, port?.id ?? "", "cmp-01")).rejects.toMatchObject(
      refused,
    );
  });

  it("is no admin to Nova's own code unless it is told so: it sees no other project's server", async () => {
    const { operator, id } = await stage({ context_is_admin: ["admin"] });
    await expect(getServer(operator.compute, id)).rejects.toMatchObject({ status: 404 });
    await expect(liveMigrate(operator.compute, id)).rejects.toMatchObject({ status: 404 });
    expect(await listServerGroups(operator.compute, { all_projects: true })).toEqual([]);
  });
});

describe("a lock", () => {
  it("binds the owner, and neither an admin nor whom Nova takes for one", async () => {
    const cloud = await stage();
    await lock(cloud);
    await expect(stopServer(cloud.alice.compute, cloud.id)).rejects.toMatchObject({
      status: 409,
      detail: `Instance ${cloud.id} is locked`,
    });
    await liveMigrate(cloud.operator.compute, cloud.id);
    await cloud.pass(MINUTE);
    await liveMigrate(cloud.admin.compute, cloud.id);
  });
});

describe("an application credential", () => {
  const ENDS = "2030-01-01T01:00:00.000Z";

  const bearerOf = (simulator: Simulator, name: string) => {
    const user = simulator.world.users.find((one) => one.name === name);
    return openCloud({
      auth_url: simulator.authUrl,
      application_credential_id: user?.id,
      application_credential_secret: user?.password,
      interface: "public",
      verify: true,
    });
  };

  it("tells its owner when it ends, and limits its tokens", async () => {
    const { simulator } = await stage({ application_credential_expires_at: ENDS });
    const bearer = bearerOf(simulator, "lull");
    const me = await bearer.whoami();
    expect(me).toMatchObject({
      user: { name: "lull" },
      project: { name: "service" },
      roles: ["maintenance_operator"],
      application_credential_id: me.user.id,
    });
    expect(Date.parse(me.expires_at)).toBe(Date.parse(ENDS));
    const found = await applicationCredential(
      bearer.identity,
      me.user.id,
      me.application_credential_id ?? "",
    );
    expect(found).toMatchObject({ name: "lull", roles: ["maintenance_operator"] });
    expect(Date.parse(found.expires_at ?? "")).toBe(Date.parse(ENDS));
    expect(await validateToken(simulator, await bearer.token())).toEqual(me);
  });

  it("may have no end", async () => {
    const { simulator } = await stage();
    const bearer = bearerOf(simulator, "admin");
    const { user, expires_at } = await bearer.whoami();
    expect(Date.parse(expires_at)).toBe(START + 14_400_000);
    const found = await applicationCredential(bearer.identity, user.id, user.id);
    expect(found.expires_at).toBeNull();
  });

  it("opens nothing once it has ended, and is nobody else's business", async () => {
    const { simulator, operator, pass } = await stage({ application_credential_expires_at: ENDS });
    const admin = simulator.world.users.find((one) => one.name === "admin")?.id ?? "";
    await expect(applicationCredential(operator.identity, admin, admin)).rejects.toMatchObject(
      refused,
    );
    await pass(61 * MINUTE);
    await expect(bearerOf(simulator, "lull").token()).rejects.toMatchObject({ status: 401 });
    expect((await operator.whoami()).application_credential_id).toBeNull();
  });
});
