import { getServer, type Server } from "../openstack/compute/servers.ts";
import { isNotFound } from "../openstack/errors.ts";
import { allocations, providersOf } from "../openstack/placement/resource-providers.ts";
import type { Look, MarkedHost } from "./look.ts";
import { isUnderWay } from "./moves.ts";
import type { Orphan } from "./orphan.ts";

/**
 * What is held of the host in Placement by nobody who is there: neither an instance on it nor one
 * that is on its way, nor the migration itself. It takes up room, and the host never counts as empty.
 */
export const leftAllocations = async (look: Look, host: MarkedHost): Promise<Orphan[]> => {
  if (host.providerId === null) return [];
  const explained = new Set([
    ...host.servers.map(({ id }) => id),
    ...host.migrations
      .filter(isUnderWay)
      .flatMap(({ uuid, instance_uuid }) => [uuid, instance_uuid]),
  ]);
  const { placement } = look.cloud;
  const providers = await providersOf(placement, host.providerId);
  const held = await Promise.all(
    providers.map(async ({ uuid }) =>
      Object.keys(await allocations(placement, uuid)).map((consumer) => ({ consumer, uuid })),
    ),
  );
  const left = held.flat().filter(({ consumer }) => !explained.has(consumer));
  return Promise.all(left.map(({ consumer, uuid }) => orphanOf(look, host, consumer, uuid)));
};

const orphanOf = async (
  look: Look,
  host: MarkedHost,
  consumer: string,
  provider: string,
): Promise<Orphan> => {
  const { openstack } = look;
  const server = await serverOf(look, consumer);
  const dead = host.migrations.find(({ uuid }) => uuid === consumer);
  const allocation = ["resource", "provider", "allocation"];
  return {
    kind: "allocation_left",
    host: host.name,
    instance_id: server?.id ?? dead?.instance_uuid ?? null,
    session_id: host.sessionId,
    since: null,
    message: `Placement holds ${whoseWords(consumer, server, dead)} on ${host.name}, and nothing there explains it`,
    // Deleting all that an instance holds would take its room away where it runs now.
    command: server
      ? openstack(...allocation, "unset", "--provider", provider, consumer)
      : openstack(...allocation, "delete", consumer),
    alternative: null,
  };
};

const whoseWords = (
  consumer: string,
  server: Server | null,
  dead: MarkedHost["migrations"][number] | undefined,
): string => {
  if (server) return `room for instance ${consumer}, which is on ${server.host ?? "no host"},`;
  if (dead) return `room for migration ${dead.id} (${consumer}), which is ${dead.status},`;
  return `room for ${consumer}, which is no instance,`;
};

const serverOf = async ({ cloud }: Look, id: string): Promise<Server | null> => {
  try {
    return await getServer(cloud.compute, id);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
};
