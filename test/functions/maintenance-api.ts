import { expect } from "vitest";
import { hostStore } from "../../lib/store/hosts.ts";
import { aDevice } from "../domain/builders.ts";
import { type Answer, type Api, startApi } from "./api.ts";

/** Calls of /v1/maintenance as the admin makes them. */
export type MaintenanceApi = Api & {
  readonly create: (but?: object, headers?: Record<string, string>) => Promise<Answer>;
  /** @returns the new session's id */
  readonly created: (but?: object) => Promise<string>;
  readonly show: (id: string, more?: string) => Promise<Answer>;
  /** Ids of all sessions, read in pages of `limit`. */
  readonly listAll: (limit?: number) => Promise<string[]>;
};

export const inMinutes = (minutes: number): string =>
  new Date(Date.now() + minutes * 60_000).toISOString();

/** A request to maintain cmp-01 in an hour. */
export const aBody = (but: object = {}): object => ({
  hosts: ["cmp-01"],
  maintenance_at: inMinutes(60),
  ...but,
});

/** The API of an inventory of three hosts, of which cmp-03 is disabled. */
export const startMaintenanceApi = async (): Promise<MaintenanceApi> => {
  const api = await startApi();
  const hosts = hostStore(api.table);
  const { service } = aDevice("any");
  await hosts.create(aDevice("cmp-01"));
  await hosts.create(aDevice("cmp-02"));
  await hosts.create(aDevice("cmp-03", { service: { ...service, status: "disabled" } }));

  const create: MaintenanceApi["create"] = (but = {}, headers = {}) =>
    api.call("POST", "/v1/maintenance", { body: aBody(but), headers });
  return {
    ...api,
    create,
    created: async (but) => (await create(but)).body.session_id,
    show: (id, more = "") => api.call("GET", `/v1/maintenance/${id}${more}`),
    listAll: async (limit = 500) => {
      const ids: string[] = [];
      let query = `limit=${limit}`;
      for (;;) {
        const { body } = await api.call("GET", `/v1/maintenance?${query}`);
        ids.push(...body.sessions);
        if (body.next_cursor === null) return ids;
        query = `limit=${limit}&cursor=${encodeURIComponent(body.next_cursor)}`;
      }
    },
  };
};

/** A problem as its status, code and the places and codes of what is wrong. */
export const problemOf = ({ status, headers, body }: Answer) => {
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body).toMatchObject({ type: "about:blank", status, detail: expect.any(String) });
  const errors: { path: string; code: string }[] = body.errors ?? [];
  return { status, code: body.code, errors: errors.map(({ path, code }) => `${path} ${code}`) };
};
