import * as z from "zod";
import { sleep } from "../../clock.ts";
import { behaviourOf } from "../faults.ts";
import { forget } from "../operator.ts";
import { allocate } from "../room.ts";
import { schedule } from "../scheduler.ts";
import { addInstance, set } from "../simulation.ts";
import type { Instance } from "../world.ts";
import { requireState, requireUnlocked } from "./action-rules.ts";
import { may, requireMembership, requirePolicy } from "./policy.ts";
import { type Ask, bodyAs, Refused, type Reply, type Route } from "./reply.ts";
import {
  isCellDown,
  linksOf,
  partialServer,
  serverBody,
  statusOf,
  type View,
} from "./server-body.ts";

/** The instance, if it exists for the caller's eyes. */
export const instanceOf = ({ simulation, caller, params }: Ask): Instance => {
  const id = params["id"] ?? "";
  const instance = simulation.world.instances.get(id);
  const visible = caller.admin || instance?.project_id === caller.project?.id;
  if (!instance || instance.vm_state === "deleted" || !visible)
    throw new Refused(404, `Instance ${id} could not be found.`);
  return instance;
};

const FILTERS = ["host", "status", "project_id", "tenant_id", "name", "deleted", "soft_deleted"];
const MAX_LIMIT = 1_000;

/** Newest first, as Nova lists; a filter hides servers of a cell that does not answer. */
const selected = ({ simulation, caller, query }: Ask, list: "index" | "detail"): Instance[] => {
  const everyone = query.has("all_tenants");
  if (everyone) requirePolicy(caller, "compute", `os_compute_api:servers:${list}:get_all_tenants`);
  const all = may(caller, "os_compute_api:servers:allow_all_filters");
  const value = (name: string) => (all || name === "status" ? query.get(name) : null);
  const project = everyone ? (value("project_id") ?? value("tenant_id")) : caller.project?.id;
  const [host, status] = [value("host"), value("status")];
  const deleted = value("deleted") === "true";
  const hidden = value("soft_deleted") !== "true" && status !== "SOFT_DELETED";
  const filtered = FILTERS.some((name) => query.has(name));
  return [...simulation.world.instances.values()]
    .filter((one) => (one.vm_state === "deleted") === deleted)
    .filter((one) => project === null || project === undefined || one.project_id === project)
    .filter((one) => host === null || one.host === host)
    .filter((one) => status === null || statusOf(one) === status)
    .filter((one) => !(hidden && one.vm_state === "soft-delete"))
    .filter((one) => !(filtered && isCellDown(simulation, one)))
    .sort((left, right) => right.created_at - left.created_at || right.number - left.number);
};

const page = (
  ask: Ask,
  list: "index" | "detail",
  describe: (instance: Instance) => unknown,
): Reply => {
  const { query, base } = ask;
  const path = list === "detail" ? "/servers/detail" : "/servers";
  const limit = Math.min(Number(query.get("limit") ?? MAX_LIMIT), MAX_LIMIT);
  const marker = query.get("marker");
  const all = selected(ask, list);
  const after = marker === null ? -1 : all.findIndex((one) => one.id === marker);
  if (marker !== null && after < 0) throw new Refused(400, `marker [${marker}] not found`);
  const rows = all.slice(after + 1, after + 1 + limit);
  const last = rows.at(-1);
  const more = last && after + 1 + limit < all.length;
  const next = new URLSearchParams([...query].filter(([key]) => key !== "marker"));
  if (last) next.set("marker", last.id);
  const links = [{ rel: "next", href: `${base}/compute/v2.1${path}?${next}` }];
  return {
    status: 200,
    body: { servers: rows.map(describe), ...(more && { servers_links: links }) },
  };
};

const viewOf = ({ caller, base, microversion }: Ask, detail: View["detail"]): View => ({
  admin: may(caller, "os_compute_api:os-extended-server-attributes"),
  base,
  detail,
  minor: microversion[1],
});

const listDetailed = (ask: Ask): Reply => {
  const { simulation, base } = ask;
  const view = viewOf(ask, "list");
  return page(ask, "detail", (instance) =>
    isCellDown(simulation, instance)
      ? partialServer(instance, base)
      : serverBody(simulation, instance, view),
  );
};

const listBriefly = (ask: Ask): Reply =>
  page(ask, "index", ({ id, name }) => ({ id, name, links: linksOf(ask.base, id) }));

const show = (ask: Ask): Reply => {
  const { simulation, base } = ask;
  const instance = instanceOf(ask);
  const server = isCellDown(simulation, instance)
    ? { ...partialServer(instance, base), user_id: instance.user_id, "OS-EXT-STS:power_state": 0 }
    : serverBody(simulation, instance, viewOf(ask, "one"));
  return { status: 200, body: { server } };
};

const createSchema = z.object({
  server: z.object({
    name: z.string(),
    flavorRef: z.string(),
    metadata: z.record(z.string(), z.string()).optional(),
    availability_zone: z.string().optional(),
  }),
  "os:scheduler_hints": z.object({ group: z.string().optional() }).optional(),
});

const create = (ask: Ask): Reply => {
  const { simulation, caller, base } = ask;
  requireMembership(caller, "compute", "os_compute_api:servers:create", caller.project?.id ?? "");
  const { server, "os:scheduler_hints": hints } = bodyAs(ask, createSchema);
  const { world } = simulation;
  const flavor = world.flavors.find(
    (one) => one.id === server.flavorRef || one.name === server.flavorRef,
  );
  if (!flavor) throw new Refused(400, `Flavor ${server.flavorRef} could not be found.`);
  const group = world.groups.find((one) => one.id === hints?.group);
  const instance = addInstance(simulation, {
    name: server.name,
    project: caller.project?.name ?? "",
    flavor: flavor.name,
    vm_state: "building",
    ...(server.metadata && { metadata: server.metadata }),
    ...(server.availability_zone && { pinned_az: server.availability_zone }),
    ...(group && { group: group.name }),
  });
  set(simulation, instance, { task_state: "scheduling" });
  void boot(ask, instance);
  return { status: 202, body: { server: { id: instance.id, links: linksOf(base, instance.id) } } };
};

const boot = async ({ simulation }: Ask, instance: Instance): Promise<void> => {
  const { clock, world, spec } = simulation;
  await sleep(clock, spec.timing.schedule_ms);
  const [target] = schedule(simulation, instance, null, null);
  if (!target) return set(simulation, instance, { vm_state: "error", task_state: null });
  allocate(world, instance.id, target.name, instance);
  set(simulation, instance, { host: target.name, task_state: "spawning" });
  const port = world.ports.get(instance.id);
  if (port) port.bindings = [{ host: target.name, status: "ACTIVE" }];
  const fault = behaviourOf(simulation.faults, "spawn", instance.id, target.name);
  await sleep(clock, spec.timing.boot_ms + (fault.seconds ?? 0) * 1_000);
  if (instance.vm_state !== "building") return;
  const vm_state = fault.outcome === "fail" ? "error" : "active";
  set(simulation, instance, { vm_state, task_state: null });
};

/** @throws Refused 403 when neither its project nor the policies let the caller */
const ownOf = (ask: Ask, policy: string): Instance => {
  const instance = instanceOf(ask);
  requireMembership(ask.caller, "compute", `os_compute_api:${policy}`, instance.project_id);
  return instance;
};

const remove = (ask: Ask): Reply => {
  const instance = ownOf(ask, "servers:delete");
  requireUnlocked(ask, instance);
  forget(ask.simulation, instance.id);
  return { status: 204 };
};

/** Nova's quota of a server, unless the cloud says otherwise. */
const MAX_ITEMS = 128;

/** @throws Refused 409 when locked, or in a state that forbids it; a task does not matter */
const requireDescribable = (ask: Ask, verb: string, instance: Instance): void => {
  requireUnlocked(ask, instance);
  const states = ["active", "paused", "suspended", "stopped"];
  requireState(`${verb} metadata`, instance, states, [instance.task_state]);
};

/** @throws Refused 403 above the quota, 409 */
const describeAs = (ask: Ask, instance: Instance, items: Readonly<Record<string, string>>) => {
  requireDescribable(ask, "update", instance);
  const metadata = { ...instance.metadata, ...items };
  if (Object.keys(metadata).length > MAX_ITEMS)
    throw new Refused(403, `Maximum number of metadata items exceeds ${MAX_ITEMS}`);
  set(ask.simulation, instance, { metadata });
};

const itemsSchema = z.record(z.string().regex(/^[a-zA-Z0-9\-_:. ]{1,255}$/), z.string().max(255));

const setMetadata = (ask: Ask): Reply => {
  const instance = ownOf(ask, "server-metadata:create");
  const { metadata } = bodyAs(ask, z.object({ metadata: itemsSchema }));
  describeAs(ask, instance, metadata);
  return { status: 200, body: { metadata: instance.metadata } };
};

const setMetadataItem = (ask: Ask): Reply => {
  const { meta } = bodyAs(ask, z.object({ meta: itemsSchema }));
  if (Object.keys(meta).length !== 1)
    throw new Refused(400, "Invalid input for field/attribute meta.");
  const instance = ownOf(ask, "server-metadata:update");
  if (!Object.hasOwn(meta, ask.params["key"] ?? ""))
    throw new Refused(400, "Request body and URI mismatch");
  describeAs(ask, instance, meta);
  return { status: 200, body: { meta } };
};

const removeMetadata = (ask: Ask): Reply => {
  const instance = ownOf(ask, "server-metadata:delete");
  const { [ask.params["key"] ?? ""]: gone, ...metadata } = instance.metadata;
  if (gone === undefined) throw new Refused(404, "Metadata item was not found");
  requireDescribable(ask, "delete", instance);
  set(ask.simulation, instance, { metadata });
  return { status: 204 };
};

export const serverRoutes: Route[] = [
  { method: "GET", path: /^\/servers\/detail$/, handle: listDetailed },
  { method: "GET", path: /^\/servers$/, handle: listBriefly },
  { method: "POST", path: /^\/servers$/, handle: create },
  { method: "GET", path: /^\/servers\/(?<id>[^/]+)$/, handle: show },
  { method: "DELETE", path: /^\/servers\/(?<id>[^/]+)$/, handle: remove },
  { method: "POST", path: /^\/servers\/(?<id>[^/]+)\/metadata$/, handle: setMetadata },
  {
    method: "PUT",
    path: /^\/servers\/(?<id>[^/]+)\/metadata\/(?<key>[^/]+)$/,
    handle: setMetadataItem,
  },
  {
    method: "DELETE",
    path: /^\/servers\/(?<id>[^/]+)\/metadata\/(?<key>[^/]+)$/,
    handle: removeMetadata,
  },
];
