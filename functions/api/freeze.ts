import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import type { Freeze } from "../../lib/domain/standstill.ts";
import {
  type ApiRequest,
  api,
  BRAKEMEN,
  parseBody,
  READERS,
  type Reply,
} from "../../lib/lambda/api.ts";
import { logger } from "../../lib/lambda/logger.ts";
import { freezeStore } from "../../lib/store/freeze.ts";
import { openTable } from "../../lib/store/table.ts";

const store = freezeStore(openTable(readSettings().TABLE_NAME));

const bodySchema = z.strictObject({ reason: z.string().min(1).max(200) });

const NEVER = { frozen: false, by: null, at: null, reason: null };

const show = async (): Promise<Reply> => ({ status: 200, body: (await store.get()) ?? NEVER });

/** Stops everything that Lull does to the cloud, before its next effect; the newest reason stands. */
const freeze = async (request: ApiRequest): Promise<Reply> =>
  put(request, { frozen: true, reason: parseBody(bodySchema, request).reason });

const thaw = async (request: ApiRequest): Promise<Reply> =>
  put(request, { frozen: false, reason: "" });

const put = async (
  { principal, now }: ApiRequest,
  wanted: Pick<Freeze, "frozen" | "reason">,
): Promise<Reply> => {
  const seen = await store.get();
  if (seen?.frozen === wanted.frozen && seen.reason === wanted.reason)
    return { status: 200, body: seen };
  const next = { ...wanted, by: principal?.name ?? "", at: now };
  await store.put(next);
  logger.warn(next.frozen ? "the cloud was frozen" : "the cloud was thawed", next);
  return { status: 200, body: next };
};

export const handler = api([
  { method: "GET", path: "/v1/freeze", allow: READERS, run: show },
  { method: "PUT", path: "/v1/freeze", allow: BRAKEMEN, run: freeze },
  { method: "DELETE", path: "/v1/freeze", allow: BRAKEMEN, run: thaw },
]);
