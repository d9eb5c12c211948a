import { setTimeout as pause } from "node:timers/promises";
import type { Cloud } from "../../../lib/openstack/cloud.ts";
import { listServers } from "../../../lib/openstack/compute/servers.ts";
import { listServices } from "../../../lib/openstack/compute/services.ts";

/** A server as Nova showed it from `at` on, until the next of its sightings. */
export type Sighting = {
  readonly at: number;
  readonly status: string;
  readonly host: string | null;
};

/** A compute service as Nova showed it from `at` on. */
type ServiceSighting = {
  readonly at: number;
  readonly status: string;
  readonly reason: string | null;
  readonly state: string;
};

/** All that was seen of a cloud, by whom it was seen of; only changes are kept. */
export type Seen = {
  readonly servers: Map<string, Sighting[]>;
  readonly services: Map<string, ServiceSighting[]>;
};

const EVERY_MS = 1_500;

/** Watches a cloud with the eyes of its administrator until told to stop; what it sees grows in `seen`. */
export const observe = (cloud: Cloud): { seen: Seen; stop: () => Promise<void> } => {
  const seen: Seen = { servers: new Map(), services: new Map() };
  const ended = new AbortController();
  const watching = (async () => {
    while (!ended.signal.aborted) {
      // A cloud in trouble answers late or not at all: then nothing was seen.
      await look(cloud, seen).catch(() => {});
      await pause(EVERY_MS, undefined, { signal: ended.signal }).catch(() => {});
    }
  })();
  return {
    seen,
    stop: () => {
      ended.abort();
      return watching;
    },
  };
};

const look = async ({ compute }: Cloud, seen: Seen): Promise<void> => {
  const servers = await listServers(compute, { all_tenants: true });
  const services = await listServices(compute, { binary: "nova-compute" });
  const at = Date.now();
  for (const { id, status, host } of servers) note(seen.servers, id, { at, status, host });
  for (const id of seen.servers.keys())
    if (!servers.some((server) => server.id === id))
      note(seen.servers, id, { at, status: "GONE", host: null });
  for (const { host, status, disabled_reason: reason, state } of services)
    note(seen.services, host, { at, status, reason, state });
};

const note = <T extends { readonly at: number }>(
  all: Map<string, T[]>,
  name: string,
  now: T,
): void => {
  const before = all.get(name) ?? [];
  const last = before.at(-1);
  if (!last || JSON.stringify({ ...last, at: now.at }) !== JSON.stringify(now))
    all.set(name, [...before, now]);
};

/** What held at an instant. */
export const heldAt = <T extends { readonly at: number }>(
  sightings: readonly T[] | undefined,
  at: number,
): T | undefined => sightings?.findLast((sighting) => sighting.at <= at);
