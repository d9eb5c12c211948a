import * as z from "zod";
import type { Simulation } from "../simulation.ts";
import type { Silence } from "../world.ts";
import { type Ask, bodyAs, Refused, type Reply, type Route } from "./reply.ts";

const givenSchema = z.object({
  id: z.string().optional(),
  matchers: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      isRegex: z.boolean(),
      isEqual: z.boolean().default(true),
    }),
  ),
  startsAt: z.string(),
  endsAt: z.string(),
  createdBy: z.string(),
  comment: z.string(),
});

const stateOf = ({ clock }: Simulation, { startsAt, endsAt }: Silence) => {
  if (Date.parse(endsAt) <= clock.now()) return "expired";
  return Date.parse(startsAt) > clock.now() ? "pending" : "active";
};

const list = ({ simulation }: Ask): Reply => ({
  status: 200,
  body: simulation.world.monitoring.silences.map((silence) => ({
    ...silence,
    status: { state: stateOf(simulation, silence) },
  })),
});

/** A silence that begins in the past begins now; naming one replaces it. */
const create = (ask: Ask): Reply => {
  const { simulation } = ask;
  const { silences } = simulation.world.monitoring;
  const given = bodyAs(ask, givenSchema);
  const now = simulation.clock.now();
  if (Date.parse(given.endsAt) <= now) throw new Refused(400, "end time can't be in the past");
  const known = silences.findIndex((one) => one.id === given.id);
  if (given.id !== undefined && known < 0) throw new Refused(404, "silence not found");
  const startsAt = new Date(Math.max(now, Date.parse(given.startsAt))).toISOString();
  const silence = {
    ...given,
    id: given.id ?? simulation.ids.uuid(),
    startsAt: silences[known]?.startsAt ?? startsAt,
    updatedAt: new Date(now).toISOString(),
  };
  if (known < 0) silences.push(silence);
  else silences[known] = silence;
  return { status: 200, body: { silenceID: silence.id } };
};

const expire = ({ simulation, params }: Ask): Reply => {
  const { silences } = simulation.world.monitoring;
  const index = silences.findIndex((one) => one.id === params["id"]);
  const silence = silences[index];
  if (!silence) throw new Refused(404, "silence not found");
  silences[index] = { ...silence, endsAt: new Date(simulation.clock.now()).toISOString() };
  return { status: 200 };
};

/** The part of Alertmanager's API v2 that silences; it asks for no token. */
export const alertmanagerRoutes: Route[] = [
  { method: "GET", path: /^\/silences$/, handle: list },
  { method: "POST", path: /^\/silences$/, handle: create },
  { method: "DELETE", path: /^\/silence\/(?<id>[^/]+)$/, handle: expire },
];
