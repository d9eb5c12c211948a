import { randomUUID } from "node:crypto";
import type { EventBridgeEvent } from "aws-lambda";
import * as z from "zod";
import { type Device, newDevice, refreshed, type SeenHost } from "../../lib/domain/device.ts";
import { ConflictError } from "../../lib/domain/errors.ts";
import { requestSync, type Sync } from "../../lib/domain/sync.ts";
import { isKnown, type KnownService } from "../../lib/fleet/services.ts";
import { logger } from "../../lib/lambda/logger.ts";
import type { Cloud } from "../../lib/openstack/cloud.ts";
import { type Hypervisor, listHypervisors } from "../../lib/openstack/compute/hypervisors.ts";
import { listServices } from "../../lib/openstack/compute/services.ts";
import { openEngine } from "../../lib/steps/engine.ts";
import { syncStore } from "../../lib/store/syncs.ts";
import { openTable } from "../../lib/store/table.ts";

const detailSchema = z.object({ sync_id: z.string() });

const engine = openEngine();
const { settings, inventory } = engine;
const syncs = syncStore(openTable(settings.TABLE_NAME));

/**
 * Reads the fleet from Nova into the inventory: when somebody asked for it, and now and then by
 * itself. Safe to repeat; a host that Nova no longer lists is marked, never deleted.
 */
export const handler = async ({
  time,
  detail,
}: EventBridgeEvent<string, unknown>): Promise<void> => {
  const now = new Date(time).toISOString();
  const asked = detailSchema.safeParse(detail);
  const sync = asked.success ? await syncs.get(asked.data.sync_id) : requestSync(randomUUID(), now);
  try {
    const counts = await syncHosts(await engine.cloud(), now);
    await syncs.finish({ ...sync, ...counts, state: "DONE", finished_at: now });
  } catch (error) {
    logger.error("sync failed", { error });
    const why = error instanceof Error ? error.message : String(error);
    await syncs.finish({ ...sync, state: "FAILED", finished_at: now, error: why });
  }
};

const syncHosts = async (
  cloud: Cloud,
  now: string,
): Promise<Pick<Sync, "seen" | "created" | "updated" | "gone">> => {
  const place = { cloud: settings.LULL_CLOUD, region: settings.LULL_REGION };
  const seen = await readFleet(cloud);
  if (seen.size === 0) throw new Error("Nova lists no nova-compute at all; nothing was changed");
  const known = await inventory.byName(place.region);
  await inventory.putRegion(place.cloud, place.region);
  const counts = { seen: seen.size, created: 0, updated: 0, gone: 0 };
  for (const [name, host] of seen) {
    if (host === null) continue;
    const device = known.get(name);
    if (device === undefined) {
      counts.created += (await created(newDevice(randomUUID(), place, host, now))) ? 1 : 0;
    } else if (await replaced(device, host, now)) counts.updated += 1;
  }
  for (const device of known.values())
    if (!seen.has(device.name) && (await replaced(device, null, now))) counts.gone += 1;
  return counts;
};

/** False when another sync, or the same one delivered twice, was quicker. */
const created = async (device: Device): Promise<boolean> => {
  try {
    await inventory.create(device);
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
};

const replaced = async (device: Device, seen: SeenHost | null, now: string): Promise<boolean> => {
  const next = refreshed(device, seen, now);
  return next !== null && (await inventory.replace(next));
};

/**
 * Compute hosts by name, as Nova lists them now; null = listed by a cell that does not answer, so
 * that nothing but its name is known.
 */
const readFleet = async (cloud: Cloud): Promise<Map<string, SeenHost | null>> => {
  const [services, hypervisors] = await Promise.all([
    listServices(cloud.compute, { binary: "nova-compute" }),
    listHypervisors(cloud.compute),
  ]);
  const byHost = new Map(hypervisors.map((hypervisor) => [hypervisor.service.host, hypervisor]));
  return new Map(
    services.map((service) => [
      service.host,
      isKnown(service) ? toSeen(service, byHost.get(service.host)) : null,
    ]),
  );
};

const toSeen = (service: KnownService, hypervisor: Hypervisor | undefined): SeenHost => {
  const { id, status, state, disabled_reason } = service;
  return {
    name: service.host,
    cell: null,
    zone: service.zone ?? "",
    service: { id, status, state, disabled_reason },
    hypervisor: hypervisor
      ? {
          id: hypervisor.id,
          hostname: hypervisor.hypervisor_hostname,
          type: hypervisor.hypervisor_type,
          version: hypervisor.hypervisor_version,
        }
      : null,
  };
};
