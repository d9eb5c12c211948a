import * as z from "zod";
import { TransientError } from "../domain/errors.ts";
import { isConflict, isNotFound, TransientOpenStackError } from "../openstack/errors.ts";
import { call, type ServiceClient } from "../openstack/http.ts";
import { type Monitor, MonitoringError } from "./monitor.ts";

const host = z.object({ uuid: z.string(), name: z.string(), on_maintenance: z.boolean() });
type MasakariHost = z.infer<typeof host> & { readonly segment: string };

/**
 * Tells Masakari to leave a host alone. `on_maintenance` makes it ignore every notification of the
 * host, crashes of single instances included, so it is set on an empty host only. It has no
 * expiry: a host that is never restored stays without self-healing until somebody clears the flag.
 *
 * A host that Masakari does not know needs no silence. Hosts are found by name; Masakari takes the
 * names of Nova's hypervisors.
 *
 * @param client of the service type "instance-ha"
 * @see https://docs.openstack.org/api-ref/instance-ha/#hosts-hosts
 */
export const masakari = ({ client }: { readonly client: ServiceClient }): Monitor => ({
  name: "masakari",
  prior: (name) =>
    translated(async () => ({
      silenced: (await findHost(client, name))?.on_maintenance ?? false,
    })),
  silence: ({ host: name }) => translated(() => setMaintenance(client, name, true)),
  restore: async (name, _key, { silenced }) => {
    if (!silenced) await translated(() => setMaintenance(client, name, false));
  },
});

const setMaintenance = async (
  client: ServiceClient,
  name: string,
  onMaintenance: boolean,
): Promise<void> => {
  const found = await findHost(client, name);
  if (!found || found.on_maintenance === onMaintenance) return;
  await call(client, `/segments/${found.segment}/hosts/${found.uuid}`, z.unknown(), {
    method: "PUT",
    body: { host: { on_maintenance: onMaintenance } },
  });
  const after = await findHost(client, name);
  if (after && after.on_maintenance !== onMaintenance)
    throw new TransientError(
      `Masakari took on_maintenance=${onMaintenance} for ${name} but does not show it`,
    );
};

const findHost = async (client: ServiceClient, name: string): Promise<MasakariHost | undefined> => {
  for await (const found of listHosts(client)) if (found.name === name) return found;
  return undefined;
};

/** Every host that Masakari knows, with its segment. */
export async function* listHosts(client: ServiceClient): AsyncGenerator<MasakariHost> {
  const segments = pages(client, "/segments", "segments", z.object({ uuid: z.string() }));
  for await (const { uuid: segment } of segments)
    for await (const found of pages(client, `/segments/${segment}/hosts`, "hosts", host))
      yield { ...found, segment };
}

/** Follows `marker` to the first empty page: how long a page may be is the operator's setting. */
async function* pages<T extends { readonly uuid: string }>(
  client: ServiceClient,
  path: string,
  key: string,
  item: z.ZodType<T>,
): AsyncGenerator<T> {
  let marker: string | undefined;
  for (;;) {
    const query = marker === undefined ? "" : `?marker=${marker}`;
    const page = await call(client, path + query, z.object({ [key]: z.array(item) }));
    const items = page[key] ?? [];
    yield* items;
    marker = items.at(-1)?.uuid;
    if (marker === undefined) return;
  }
}

/** In the words of a monitor: Masakari answers 409 while it recovers something in the segment. */
const translated = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof TransientError) throw cause;
    const message = `Masakari: ${cause instanceof Error ? cause.message : String(cause)}`;
    if (cause instanceof TransientOpenStackError || isConflict(cause) || isNotFound(cause))
      throw new TransientError(message, { cause });
    throw new MonitoringError(message, { cause });
  }
};
