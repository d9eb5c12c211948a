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
  labels: z.record(z.string(), z.string()).default({}),
  instance_storage: z.string().nullish(),
  /** Counts the changes; patchHost names the one that it is based on. */
  version: z.number(),
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

const hostPath = (name: string) => `/v1/hosts/${encodeURIComponent(name)}`;

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
  request(api, hostPath(name), hostSchema);

/** Asks for the inventory to be read from the cloud again; the answer is a request to follow with getSync. */
export const startSync = (api: Api): Promise<Sync> =>
  request(api, "/v1/sync", syncSchema, { method: "POST" });

export const getSync = (api: Api, id: string): Promise<Sync> =>
  request(api, `/v1/sync/${encodeURIComponent(id)}`, syncSchema);

/** What an operator knows of a host and the cloud does not tell. */
export type HostFacts = {
  /** All of the host's labels: those that are left out are gone. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Whether disks of instances lie on the host itself. */
  readonly instance_storage?: "local" | "shared" | null;
};

/**
 * Changes the operator's facts about a host, based on this version of it.
 *
 * @throws ApiError with code "precondition_failed" when the host has changed since
 */
export const patchHost = (
  api: Api,
  { name, version }: Pick<Host, "name" | "version">,
  facts: HostFacts,
): Promise<Host> =>
  request(api, hostPath(name), hostSchema, {
    method: "PATCH",
    body: facts,
    ifMatch: `"host-${version}"`,
  });

/** Body of PUT /v1/hosts/{host}/maintenance. */
export type HostMaintenance = {
  readonly reason: string;
  /** How long it may take until it counts as failed. */
  readonly ttl_minutes?: number;
  readonly accept_duties?: boolean;
  readonly policies?: Readonly<Record<string, string>>;
};

const ofSessionSchema = z.looseObject({ session_id: z.string() });

/**
 * Sets a host to maintenance by hand: it is emptied and held until unsetHostMaintenance. The same
 * again is the same session.
 *
 * @returns the id of its session
 * @throws ApiError with code "conflict" when another session has the host
 */
export const setHostMaintenance = async (
  api: Api,
  host: string,
  body: HostMaintenance,
): Promise<string> => {
  const path = `${hostPath(host)}/maintenance`;
  return (await request(api, path, ofSessionSchema, { method: "PUT", body })).session_id;
};

/**
 * Ends the maintenance of a host that was set by hand: it is checked and put back, or given back
 * when no work has begun.
 *
 * @returns the id of its session
 * @throws ApiError with code "not_found" when it is in none, "conflict" when another session has it
 */
export const unsetHostMaintenance = async (api: Api, host: string): Promise<string> => {
  const path = `${hostPath(host)}/maintenance`;
  return (await request(api, path, ofSessionSchema, { method: "DELETE" })).session_id;
};
