import { serversOn } from "../fleet/guests.ts";
import type { Cloud } from "../openstack/cloud.ts";
import type { Hypervisor } from "../openstack/compute/hypervisors.ts";
import { listMigrations, type Migration } from "../openstack/compute/migrations.ts";
import type { Server } from "../openstack/compute/servers.ts";
import type { Service } from "../openstack/compute/services.ts";
import type { OpenStackCommand } from "./shell.ts";

/** Where and as whom orphans are looked for. */
export type Look = {
  readonly cloud: Cloud;
  /** Id of the user as whom Lull's engine works: moves of others are their own business. */
  readonly engineUser: string;
  readonly openstack: OpenStackCommand;
};

/** A host that carries our mark, and all that Nova knows of it. */
export type MarkedHost = {
  readonly name: string;
  readonly sessionId: string;
  readonly reason: string;
  /** Its nova-compute heartbeats. */
  readonly isUp: boolean;
  /** Null when Nova has no hypervisor of it. */
  readonly providerId: string | null;
  readonly servers: readonly Server[];
  /** From or to it, the newest first. */
  readonly migrations: readonly Migration[];
};

const MARK = /^lull:(\S+)/;

export const isMarked = ({ status, disabled_reason }: Service): boolean =>
  status === "disabled" && MARK.test(disabled_reason ?? "");

/** @param service a marked one */
export const readMarkedHost = async (
  { cloud }: Look,
  service: Service,
  hypervisors: readonly Hypervisor[],
): Promise<MarkedHost> => {
  const { host, disabled_reason, state } = service;
  const [servers, migrations] = await Promise.all([
    serversOn(cloud, host),
    listMigrations(cloud.compute, { host }),
  ]);
  const reason = disabled_reason ?? "";
  return {
    name: host,
    sessionId: MARK.exec(reason)?.[1] ?? "",
    reason,
    isUp: state === "up",
    providerId: hypervisors.find((one) => one.service.host === host)?.id ?? null,
    servers,
    migrations,
  };
};
