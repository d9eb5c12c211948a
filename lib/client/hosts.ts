import * as z from "zod";
import { type Api, pages, request } from "./request.ts";

/** States are plain strings and unknown fields are kept: an older command must read a newer API. */
const hostSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  cloud: z.string(),
  region: z.string(),
  zone: z.string().nullable(),
  service: z.looseObject({
    id: z.string(),
    status: z.string(),
    state: z.string(),
    disabled_reason: z.string().nullable(),
  }),
  hypervisor: z
    .looseObject({ id: z.string(), hostname: z.string(), type: z.string(), version: z.number() })
    .nullable(),
  session_id: z.string().nullable(),
  synced_at: z.string(),
  gone: z.boolean(),
});
export type Host = z.infer<typeof hostSchema>;

const syncSchema = z.looseObject({
  sync_id: z.string(),
  state: z.string(),
  seen: z.number().optional(),
  created: z.number().optional(),
  updated: z.number().optional(),
  gone: z.number().optional(),
  error: z.string().nullish(),
});
export type Sync = z.infer<typeof syncSchema>;

const PAGE_SIZE = 500;

/** Every host of the inventory, page by page. */
export const listHosts = (api: Api, filter: { readonly region?: string | undefined } = {}) =>
  pages<Host>(async (cursor) => {
    const page = await request(
      api,
      "/v1/hosts",
      z.object({ hosts: z.array(hostSchema), next_cursor: z.string().nullish() }),
      { query: { limit: PAGE_SIZE, region: filter.region, cursor } },
    );
    return { items: page.hosts, next_cursor: page.next_cursor };
  });

/** @throws ApiError with code "not_found" */
export const getHost = (api: Api, name: string): Promise<Host> =>
  request(api, `/v1/hosts/${encodeURIComponent(name)}`, hostSchema);

/** Asks for the inventory to be read from the cloud again; the answer is a request to follow with getSync. */
export const startSync = (api: Api): Promise<Sync> =>
  request(api, "/v1/sync", syncSchema, { method: "POST" });

export const getSync = (api: Api, id: string): Promise<Sync> =>
  request(api, `/v1/sync/${encodeURIComponent(id)}`, syncSchema);
