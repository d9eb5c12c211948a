import { randomUUID } from "node:crypto";
import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { requestSync, type Sync } from "../../lib/domain/sync.ts";
import {
  ADMINS,
  type ApiRequest,
  api,
  pathParameter,
  READERS,
  type Reply,
} from "../../lib/lambda/api.ts";
import { syncStore } from "../../lib/store/syncs.ts";
import { openTable } from "../../lib/store/table.ts";

const syncs = syncStore(openTable(readSettings().TABLE_NAME));

const toBody = ({ schema: _, ...sync }: Sync) => sync;

/** The API holds no credential of the cloud: it asks, and functions/engine/sync.ts reads. */
const startSync = async ({ now }: ApiRequest): Promise<Reply> => {
  const sync = requestSync(randomUUID(), now);
  await syncs.request(sync);
  return { status: 202, body: toBody(sync) };
};

const showSync = async ({ params }: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: toBody(await syncs.get(pathParameter(params["id"], z.uuid()))),
});

export const handler = api([
  { method: "POST", path: "/v1/sync", allow: ADMINS, run: startSync },
  { method: "GET", path: "/v1/sync/{id}", allow: READERS, run: showSync },
]);
