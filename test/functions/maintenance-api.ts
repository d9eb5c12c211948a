import { expect } from "vitest";
import { maintenanceSession } from "../../lib/domain/events/maintenance-session.ts";
import { claimHost, type HostRun } from "../../lib/domain/host-run.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { aDevice, NOW } from "../domain/builders.ts";
import { type Answer, type Api, type Call, startApi } from "./api.ts";

/** Calls of /v1/maintenance as the admin makes them. */
export type MaintenanceApi = Api & {
  readonly create: (but?: object, headers?: Record<string, string>) => Promise<Answer>;
  /** @returns the new session's id */
  readonly created: (but?: object) => Promise<string>;
  readonly show: (id: string, more?: string) => Promise<Answer>;
  /** POST to the session: an order such as `pause`. */
  readonly order: (id: string, what: string, call?: Call) => Promise<Answer>;
  /** Makes the session the owner of a host that stands as told. */
  readonly claim: (id: string, host: string, as?: Partial<HostRun>) => Promise<HostRun>;
  /** Ends the session and its run, as its own run does. */
  readonly end: (id: string) => Promise<void>;
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
export const startMaintenanceApi = async (
  settings: Readonly<Record<string, string>> = {},
): Promise<MaintenanceApi> => {
  const api = await startApi(settings);
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
    order: (id, what, call = {}) => api.call("POST", `/v1/maintenance/${id}/${what}`, call),
    claim: async (sessionId, host, as = {}) => {
      const { actions = [] } = as;
      const plugins = actions.map(({ plugin }) => plugin);
      // A device of its own, so that sessions of other tests are not in its way.
      const deviceId = as.device_id ?? `${host} of ${sessionId}`;
      const claim = { sessionId, host, deviceId, plugins, now: NOW };
      const run = { ...claimHost(claim), run_id: crypto.randomUUID(), ...as };
      await ownership(api.table).claim({ run_id: sessionId, generation: 1 }, [run]);
      return run;
    },
    end: async (id) => {
      const runs = await hostRunStore(api.table).list(id);
      await ownership(api.table).release(
        id,
        runs.map(({ device_id }) => device_id),
      );
      await sessionStore(api.table).closeAs({ run_id: id, generation: 1 }, (seen) => {
        const next = { ...seen, claimed_at: NOW, closed_at: NOW, sequence: seen.sequence + 1 };
        return { next, event: maintenanceSession(next, 100, NOW) };
      });
    },
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
