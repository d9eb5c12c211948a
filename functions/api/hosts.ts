import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { byHand, byHandSchema } from "../../lib/control/by-hand.ts";
import { hashOf } from "../../lib/control/idempotency.ts";
import { sessionOrders } from "../../lib/control/session-orders.ts";
import { type Device, hostNameSchema } from "../../lib/domain/device.ts";
import {
  ConflictError,
  MalformedError,
  NotFoundError,
  PreconditionError,
} from "../../lib/domain/errors.ts";
import {
  ADMINS,
  type ApiRequest,
  api,
  parseBody,
  parseQuery,
  pathParameter,
  READERS,
  type Reply,
} from "../../lib/lambda/api.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { openTable } from "../../lib/store/table.ts";

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const hosts = hostStore(table);
const { owners, all } = ownership(table);
const { set, unset } = byHand(table, settings);
const orders = sessionOrders(table);

/** Lists are read from indexes and a moment old anyway; this bounds how old, in milliseconds. */
const OWNERS_REMEMBERED_MS = 1_000;

let remembered = { at: 0, owners: new Map<string, string>() };

const recentOwners = async (now: string): Promise<Map<string, string>> => {
  const at = Date.parse(now);
  if (Math.abs(at - remembered.at) > OWNERS_REMEMBERED_MS) remembered = { at, owners: await all() };
  return remembered.owners;
};

const querySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(20),
  cursor: z.string().optional(),
  region: z.string().min(1).max(255).default(settings.LULL_REGION),
});

/** What the cloud does not tell and an operator knows; labels are given as a whole. */
const factsSchema = z
  .strictObject({
    labels: z
      .record(z.string().min(1).max(64), z.string().max(255))
      .refine((labels) => Object.keys(labels).length <= 50, "has more than 50 entries")
      .refine((labels) => !("zone" in labels || "cell" in labels), "zone and cell are no labels")
      .optional(),
    instance_storage: z.enum(["local", "shared"]).nullable().optional(),
  })
  .refine((facts) => Object.keys(facts).length > 0, "nothing to change");

/** Tries of a change that may be made to any version. */
const TRIES = 5;

const toReply = ({ schema: _, cell: __, ...device }: Device, sessionId: string | undefined) => ({
  ...device,
  session_id: sessionId ?? null,
});

const listHosts = async (request: ApiRequest): Promise<Reply> => {
  const { limit, cursor, region } = parseQuery(querySchema, request);
  const page = await hosts.listByRegion(region, limit, cursor ?? null);
  const owned = await recentOwners(request.now);
  return {
    status: 200,
    body: {
      hosts: page.hosts.map((device) => toReply(device, owned.get(device.id))),
      next_cursor: page.cursor,
    },
  };
};

const deviceOf = async ({ params }: ApiRequest): Promise<Device> => {
  const host = pathParameter(params["host"], hostNameSchema);
  const device = await hosts.findByName(settings.LULL_REGION, host);
  if (device === null) throw new NotFoundError(`the inventory has no host ${host}; sync it`);
  return device;
};

const tagOf = ({ version }: Device): string => `"host-${version}"`;

const replyWith = async (device: Device): Promise<Reply> => ({
  status: 200,
  headers: { etag: tagOf(device) },
  body: toReply(device, (await owners([device.id])).get(device.id)),
});

const showHost = async (request: ApiRequest): Promise<Reply> => replyWith(await deviceOf(request));

/** PATCH: on the version that If-Match names, so that nobody's change is lost unseen; `*` = any. */
const patchHost = async (request: ApiRequest): Promise<Reply> => {
  const facts = parseBody(factsSchema, request);
  const wanted = request.headers["if-match"];
  if (wanted === undefined)
    throw new MalformedError("say which version you have seen", [
      { path: "If-Match", code: "if_match_missing", message: "send the ETag of GET, or *" },
    ]);
  for (let tries = 0; tries < TRIES; tries++) {
    const device = await deviceOf(request);
    if (wanted !== "*" && wanted !== tagOf(device))
      throw new PreconditionError(
        `${device.name} is at ${tagOf(device)} now; read it again before you change it`,
      );
    const next = { ...device, ...definedOf(facts), version: device.version + 1 };
    if (await hosts.replace(next)) return replyWith(next);
  }
  throw new ConflictError("the host keeps changing; try again");
};

const definedOf = ({ labels, instance_storage }: z.infer<typeof factsSchema>) => ({
  ...(labels !== undefined && { labels }),
  ...(instance_storage !== undefined && { instance_storage }),
});

const setByHand = async (request: ApiRequest): Promise<Reply> => {
  const body = parseBody(byHandSchema, request);
  const { session_id } = await set({
    device: await deviceOf(request),
    body,
    bodyHash: hashOf(request.body),
    by: request.principal?.name ?? "",
    now: request.now,
  });
  return { status: 200, body: { session_id } };
};

const unsetByHand = async (request: ApiRequest): Promise<Reply> => {
  const { principal, now } = request;
  const order = { by: principal?.name ?? "", at: now, reason: "unset by hand" };
  const session = await unset(await deviceOf(request), order);
  return { status: 200, body: await orders.view(session) };
};

export const handler = api([
  { method: "GET", path: "/v1/hosts", allow: READERS, run: listHosts },
  { method: "GET", path: "/v1/hosts/{host}", allow: READERS, run: showHost },
  { method: "PATCH", path: "/v1/hosts/{host}", allow: ADMINS, run: patchHost },
  { method: "PUT", path: "/v1/hosts/{host}/maintenance", allow: ADMINS, run: setByHand },
  { method: "DELETE", path: "/v1/hosts/{host}/maintenance", allow: ADMINS, run: unsetByHand },
]);
