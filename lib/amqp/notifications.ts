import { alarmEvent } from "../domain/alarms.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { projectsOf } from "../domain/events/project-event.ts";
import { messageId } from "../events/message-id.ts";

/** `v1` is oslo.messaging's driver `messaging`, `v2` its `messagingv2`; who listens accepts both. */
export type Format = "v1" | "v2";

/** What oslo.messaging's notifier would send. */
export type Notification = {
  readonly message_id: string;
  readonly publisher_id: string;
  readonly event_type: string;
  readonly priority: "INFO" | "SAMPLE";
  /** `YYYY-MM-DD HH:MM:SS.ffffff`, UTC. */
  readonly timestamp: string;
  readonly payload: unknown;
};

const PUBLISHER = "lull";

type Event = Omit<DomainEvent, "schema">;

/** What the bus adds to an event's detail, and no notification has. */
const OURS = new Set(["entity", "sequence", "at"]);

/**
 * An event as a notification, for Ceilometer and whoever else listens: once for each project, or
 * once without a project where none is to be named.
 */
export const notificationsOf = (event: Event, adminProjects: readonly string[]): Notification[] => {
  const payload = Object.fromEntries(
    Object.entries(event.detail).filter(([name]) => !OURS.has(name)),
  );
  const projects = projectsOf(event.detail, adminProjects);
  return (projects.length > 0 ? projects : [undefined]).map((project_id) => ({
    message_id: messageId(event, project_id),
    publisher_id: PUBLISHER,
    event_type: event.type,
    priority: "INFO",
    timestamp: stamp(event.at),
    payload: project_id === undefined ? payload : { ...payload, project_id },
  }));
};

/**
 * The same event as Ceilometer would hand it to Aodh's listener, which fires the alarms of the one
 * project that it names.
 */
export const alarmNotificationsOf = (
  event: Event,
  adminProjects: readonly string[],
): Notification[] =>
  projectsOf(event.detail, adminProjects).map((project) => {
    const id = messageId(event, project);
    return {
      message_id: id,
      publisher_id: PUBLISHER,
      event_type: "event",
      priority: "SAMPLE",
      timestamp: stamp(event.at),
      payload: [alarmEvent(event, project, id)],
    };
  });

const stamp = (at: string): string =>
  new Date(at).toISOString().replace("T", " ").replace("Z", "000");

/** The text of a message. oslo.messaging drops what has a unique id that it has seen. */
export const enveloped = (notification: Notification, format: Format): string => {
  const _unique_id = notification.message_id.replaceAll("-", "");
  const message = JSON.stringify({ ...notification, _unique_id });
  return format === "v1"
    ? message
    : JSON.stringify({ "oslo.version": "2.0", "oslo.message": message });
};
