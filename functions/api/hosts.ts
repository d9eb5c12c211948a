import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { type Device, hostNameSchema } from "../../lib/domain/device.ts";
import { NotFoundError } from "../../lib/domain/errors.ts";
import {
  type ApiRequest,
  api,
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

const showHost = async ({ params }: ApiRequest): Promise<Reply> => {
  const host = pathParameter(params["host"], hostNameSchema);
  const device = await hosts.findByName(settings.LULL_REGION, host);
  if (device === null) throw new NotFoundError(`the inventory has no host ${host}; sync it`);
  const owned = await owners([device.id]);
  return {
    status: 200,
    headers: { etag: `"host-${device.version}"` },
    body: toReply(device, owned.get(device.id)),
  };
};

export const handler = api([
  { method: "GET", path: "/v1/hosts", allow: READERS, run: listHosts },
  { method: "GET", path: "/v1/hosts/{host}", allow: READERS, run: showHost },
]);
