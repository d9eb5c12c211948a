import * as z from "zod";
import type { Alarm } from "../world.ts";
import { may } from "./policy.ts";
import { type Ask, bodyAs, novaTime, Refused, type Reply, type Route } from "./reply.ts";

const alarmSchema = z.object({
  name: z.string(),
  type: z.literal("event"),
  enabled: z.boolean().default(true),
  severity: z.enum(["low", "moderate", "critical"]).default("low"),
  state: z.enum(["ok", "alarm", "insufficient data"]).default("insufficient data"),
  repeat_actions: z.boolean().default(false),
  alarm_actions: z.array(z.string()).default([]),
  project_id: z.string().optional(),
  event_rule: z.object({
    event_type: z.string().default("*"),
    query: z
      .array(
        z.object({
          field: z.string(),
          op: z.enum(["lt", "le", "eq", "ne", "ge", "gt"]).default("eq"),
          type: z.enum(["string", "integer", "float", "boolean", ""]).default(""),
          value: z.string(),
        }),
      )
      .default([]),
  }),
});

/** Who sees every project's alarms (rule `segregation`); what they may do is asked apart. */
const isAdmin = ({ caller }: Ask): boolean => caller.user.roles.includes("admin");

const create = (ask: Ask): Reply => {
  const { simulation, caller } = ask;
  const given = bodyAs(ask, alarmSchema);
  const own = caller.project?.id ?? "";
  const project_id = given.project_id ?? own;
  if (project_id !== own && !isAdmin(ask))
    throw new Refused(401, `Not Authorized to access project ${project_id}`);
  if (given.alarm_actions.some((url) => /^trust\+[^/]*\/\/[^/]*@/.test(url)))
    throw new Refused(400, "trust URL cannot contain a trust ID.");
  const at = novaTime(simulation.clock.now());
  const alarm: Alarm = {
    ...given,
    alarm_id: simulation.ids.uuid(),
    description: `Alarm when ${given.event_rule.event_type} event occurred.`,
    ok_actions: [],
    insufficient_data_actions: [],
    time_constraints: [],
    project_id,
    user_id: caller.user.id,
    timestamp: at,
    state_timestamp: at,
    state_reason: "Not evaluated yet",
  };
  simulation.world.monitoring.alarms.push(alarm);
  return { status: 201, body: alarm };
};

const FIELDS = ["all_projects", "user_id", "project_id", "type", "name", "enabled", "state"];

/** The filters q.field, q.op, q.value, each as often as the others; to the database a text is never true. */
const filtersOf = ({ query }: Ask): Map<string, string> => {
  const fields = query.getAll("q.field");
  const types = query.getAll("q.type");
  const values = query
    .getAll("q.value")
    .map((value, n) => (fields[n] === "enabled" && types[n] !== "boolean" ? "false" : value));
  const unknown = fields.find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw new Refused(400, `Invalid input for field/attribute field`);
  return new Map(fields.map((field, n) => [field, values[n] ?? ""]));
};

const list = (ask: Ask): Reply => {
  const filters = filtersOf(ask);
  const all = filters.get("all_projects") === "true";
  filters.delete("all_projects");
  if (all && !may(ask.caller, "telemetry:get_alarms:all_projects"))
    throw new Refused(403, "RBAC Authorization Failed");
  const own = ask.caller.project?.id ?? "";
  const asked = filters.get("project_id") ?? own;
  if (!all && asked !== own && !isAdmin(ask))
    throw new Refused(401, `Not Authorized to access project ${asked}`);
  if (!all) filters.set("project_id", asked);
  const found = ask.simulation.world.monitoring.alarms
    .filter((alarm) =>
      [...filters].every(([field, value]) => String(Reflect.get(alarm, field)) === value),
    )
    .toSorted((a, b) => (a.alarm_id < b.alarm_id ? -1 : 1));
  return { status: 200, body: page(ask, found) };
};

/** Everything after the marker, which must be there. */
const page = ({ query }: Ask, alarms: readonly Alarm[]): readonly Alarm[] => {
  const [marker, limit] = [query.get("marker"), Number(query.get("limit") ?? alarms.length)];
  const after = alarms.findIndex(({ alarm_id }) => alarm_id === marker);
  if (marker !== null && after < 0) throw new Refused(500, `Marker ${marker} not found.`);
  return alarms.slice(after + 1, after + 1 + limit);
};

const alarmOf = (ask: Ask): Alarm => {
  const found = ask.simulation.world.monitoring.alarms.find(
    ({ alarm_id, project_id }) =>
      alarm_id === ask.params["id"] && (isAdmin(ask) || project_id === ask.caller.project?.id),
  );
  if (!found) throw new Refused(404, `Alarm ${ask.params["id"]} not found`);
  return found;
};

const remove = (ask: Ask): Reply => {
  const { alarms } = ask.simulation.world.monitoring;
  alarms.splice(alarms.indexOf(alarmOf(ask)), 1);
  return { status: 204 };
};

/** The part of Aodh that keeps event alarms; nothing here fires them. */
export const alarmingRoutes: Route[] = [
  { method: "GET", path: /^\/alarms$/, handle: list },
  { method: "POST", path: /^\/alarms$/, handle: create },
  {
    method: "GET",
    path: /^\/alarms\/(?<id>[^/]+)$/,
    handle: (ask) => ({ status: 200, body: alarmOf(ask) }),
  },
  { method: "DELETE", path: /^\/alarms\/(?<id>[^/]+)$/, handle: remove },
];
