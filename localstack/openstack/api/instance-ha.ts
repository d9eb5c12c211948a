import * as z from "zod";
import { type Simulation, set } from "../simulation.ts";
import type { Host } from "../world.ts";
import { type Ask, bodyAs, Refused, type Reply, type Route } from "./reply.ts";

/** All hosts are in one segment of Masakari. */
const SEGMENT = { uuid: "5e600000-0000-4000-8000-000000000001", name: "all", enabled: true };

const hostBody = (host: Host) => ({
  uuid: host.service_id,
  name: host.name,
  failover_segment_id: SEGMENT.uuid,
  type: "COMPUTE_HOST",
  control_attributes: "SSH",
  reserved: false,
  on_maintenance: host.on_maintenance,
});

/** Everything after the marker. */
const page = <T extends { readonly uuid: string }>(rows: readonly T[], { query }: Ask): T[] => {
  const marker = query.get("marker");
  return rows.slice(rows.findIndex((row) => row.uuid === marker) + 1);
};

const requireSegment = ({ params }: Ask): void => {
  if (params["segment"] !== SEGMENT.uuid)
    throw new Refused(404, `No segment with id ${params["segment"]}`);
};

const hostOf = ({ simulation, params }: Ask): Host => {
  const host = [...simulation.world.hosts.values()].find((one) => one.service_id === params["id"]);
  if (!host) throw new Refused(404, `No host with id ${params["id"]}`);
  return host;
};

const updateSchema = z.object({ host: z.object({ on_maintenance: z.boolean() }) });

const update = (ask: Ask): Reply => {
  requireSegment(ask);
  const host = hostOf(ask);
  if (isRecovering(ask.simulation))
    throw new Refused(
      409,
      `Host ${host.service_id} can't be updated as it is in-use to process notifications.`,
    );
  set(ask.simulation, host, { on_maintenance: bodyAs(ask, updateSchema).host.on_maintenance });
  return { status: 200, body: { host: hostBody(host) } };
};

const isRecovering = ({ world }: Simulation): boolean => world.monitoring.recovering;

const policy = (name: string) => `os_masakari_api:os-hosts:${name}`;

export const instanceHaRoutes: Route[] = [
  {
    method: "GET",
    path: /^\/segments$/,
    policy: "os_masakari_api:segments:index",
    handle: (ask) => ({ status: 200, body: { segments: page([SEGMENT], ask) } }),
  },
  {
    method: "GET",
    path: /^\/segments\/(?<segment>[^/]+)\/hosts$/,
    policy: policy("index"),
    handle: (ask) => {
      requireSegment(ask);
      const hosts = [...ask.simulation.world.hosts.values()].map(hostBody);
      return { status: 200, body: { hosts: page(hosts, ask) } };
    },
  },
  {
    method: "PUT",
    path: /^\/segments\/(?<segment>[^/]+)\/hosts\/(?<id>[^/]+)$/,
    policy: policy("update"),
    handle: update,
  },
];
