import { createHash } from "node:crypto";
import type { Action } from "../world.ts";
import { may } from "./policy.ts";
import { type Ask, novaTime, Refused, type Reply, type Route } from "./reply.ts";
import { instanceOf } from "./servers.ts";

const brief = (action: Action) => ({
  action: action.action,
  instance_uuid: action.instance_id,
  request_id: action.request_id,
  user_id: action.user_id,
  project_id: action.project_id,
  start_time: novaTime(action.start_time),
  message: action.message,
  updated_at: novaTime(action.updated_at),
});

const actionsOf = (ask: Ask): Action[] => {
  const { id } = instanceOf(ask);
  return ask.simulation.world.actions.filter((action) => action.instance_id === id);
};

const list = (ask: Ask): Reply => {
  const limit = Number(ask.query.get("limit") ?? 1_000);
  return { status: 200, body: { instanceActions: actionsOf(ask).slice(0, limit).map(brief) } };
};

const show = (ask: Ask): Reply => {
  const detailed = may(ask.caller, "os_compute_api:os-instance-actions:events:details");
  const request = ask.params["request"];
  const action = actionsOf(ask).find((one) => one.request_id === request);
  if (!action) throw new Refused(404, `Action for request_id ${request} on instance not found`);
  const { project_id } = instanceOf(ask);
  const events = action.events.map((event) => ({
    event: event.event,
    start_time: novaTime(event.start_time),
    finish_time: event.finish_time === null ? null : novaTime(event.finish_time),
    result: event.result,
    hostId: createHash("sha224")
      .update(project_id + event.host)
      .digest("hex"),
    ...(detailed && { traceback: null, host: event.host, details: event.details }),
  }));
  return { status: 200, body: { instanceAction: { ...brief(action), events } } };
};

export const instanceActionRoutes: Route[] = [
  { method: "GET", path: /^\/servers\/(?<id>[^/]+)\/os-instance-actions$/, handle: list },
  {
    method: "GET",
    path: /^\/servers\/(?<id>[^/]+)\/os-instance-actions\/(?<request>[^/]+)$/,
    handle: show,
  },
];
