import type { Ask } from "../dialogue/ask.ts";
import type { Session } from "../session.ts";
import type { DomainEvent } from "./event.ts";

/** Where a project finds what it is told of, under the public address of this deployment. */
export type Links = {
  /** Without a slash at its end. */
  readonly publicUrl: string;
  /** What Nova tells the project instead of the host: sha224(project + host); null = no host yet. */
  readonly hostId: string | null;
};

const projectUrl = ({ session_id, project_id }: Ask, { publicUrl }: Links): string =>
  `${publicUrl}/v1/maintenance/${session_id}/${project_id}`;

/** Where a project sees what becomes of its instances on one host, which it knows by Nova's `hostId`. */
export const projectStatusUrl = (publicUrl: string, hostId: string): string =>
  `${publicUrl}/status/project/${hostId}`;

const statusUrl = ({ publicUrl, hostId }: Links): string | null =>
  hostId === null ? null : projectStatusUrl(publicUrl, hostId);

/** Whether the event is about a single instance, which only style `vnf` has. */
const isOfOne = ({ state, expects_reply }: Ask, { workflow }: Session): boolean =>
  workflow === "vnf" &&
  expects_reply &&
  (state === "PREPARE_MAINTENANCE" || state === "PLANNED_MAINTENANCE");

/**
 * `maintenance.scheduled`, for one project, in the shape of Fenix v1: style `default` gives an
 * address where the instances are listed, style `vnf` one event for each instance. A notice allows
 * no actions and awaits no reply. It never names the host.
 */
export const maintenanceScheduled = (session: Session, ask: Ask, links: Links): DomainEvent => {
  const url = projectUrl(ask, links);
  const [only = ""] = ask.instance_ids;
  const one = isOfOne(ask, session);
  return {
    schema: 1,
    type: "maintenance.scheduled",
    entity: `${ask.session_id}/${ask.project_id}/${ask.ask_id}`,
    sequence: 1,
    at: ask.asked_at,
    detail: {
      service: "lull",
      project_id: ask.project_id,
      session_id: ask.session_id,
      state: ask.state,
      instance_ids: one ? [only] : url,
      allowed_actions: ask.allowed_actions,
      actions_at: ask.actions_at,
      reply_at: ask.expects_reply ? ask.reply_at : null,
      reply_url: one ? `${url}/${only}` : url,
      metadata: session.metadata,
      // Less notice than projects are promised; why is the admins' to know.
      ...(session.emergency !== null && { emergency: true }),
      ...(ask.missing !== null && { missing: ask.missing }),
      status_url: statusUrl(links),
    },
  };
};

/** The word that an instance it was asked about is where it may stay; nobody has to answer it. */
export const instanceActionDone = (
  ask: Ask,
  instanceId: string,
  at: string,
  links: Links,
): DomainEvent => ({
  schema: 1,
  type: "maintenance.scheduled",
  entity: `${ask.session_id}/${ask.project_id}/${ask.ask_id}/${instanceId}`,
  sequence: 1,
  at,
  detail: {
    service: "lull",
    project_id: ask.project_id,
    session_id: ask.session_id,
    state: "INSTANCE_ACTION_DONE",
    instance_ids: [instanceId],
    allowed_actions: [],
    actions_at: null,
    reply_at: null,
    reply_url: `${projectUrl(ask, links)}/${instanceId}`,
    metadata: {},
    status_url: statusUrl(links),
  },
});
