import * as z from "zod";
import { removeFromAggregate } from "../retirement.ts";
import type { Aggregate } from "../world.ts";
import { type Ask, bodyAs, Refused, type Reply, type Route } from "./reply.ts";

const describe = (aggregate: Aggregate) => ({
  ...aggregate,
  availability_zone: aggregate.metadata["availability_zone"] ?? null,
  created_at: "2026-01-01T00:00:00.000000",
  updated_at: null,
  deleted_at: null,
  deleted: false,
});

const list = ({ simulation }: Ask): Reply => ({
  status: 200,
  body: { aggregates: simulation.world.aggregates.map(describe) },
});

const aggregateOf = ({ simulation, params }: Ask): Aggregate => {
  const found = simulation.world.aggregates.find(({ id }) => String(id) === params["id"]);
  if (!found) throw new Refused(404, `Aggregate ${params["id"]} could not be found.`);
  return found;
};

const removeSchema = z.strictObject({ remove_host: z.object({ host: z.string() }) });

/** Newer releases refuse to change the zone of a host with servers; older ones do it. */
const removeHost = (ask: Ask): Reply => {
  const { world } = ask.simulation;
  const aggregate = aggregateOf(ask);
  const name = bodyAs(ask, removeSchema).remove_host.host;
  const host = world.hosts.get(name);
  const cannot = `Cannot remove host ${name} in aggregate ${aggregate.id}`;
  if (!host || !aggregate.hosts.includes(name)) throw new Refused(404, `${cannot}: not found`);
  const isZone = "availability_zone" in aggregate.metadata;
  if (isZone && [...world.instances.values()].some((one) => one.host === name))
    throw new Refused(409, `${cannot}: One or more hosts contain instances in this zone`);
  removeFromAggregate(ask.simulation, aggregate.id, host);
  return { status: 200, body: { aggregate: describe(aggregateOf(ask)) } };
};

export const aggregateRoutes: Route[] = [
  {
    method: "GET",
    path: /^\/os-aggregates$/,
    policy: "os_compute_api:os-aggregates:index",
    handle: list,
  },
  {
    method: "POST",
    path: /^\/os-aggregates\/(?<id>\d+)\/action$/,
    policy: "os_compute_api:os-aggregates:remove_host",
    handle: removeHost,
  },
];
