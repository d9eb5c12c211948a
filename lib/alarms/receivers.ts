import { createHash } from "node:crypto";
import type { Settings } from "../config.ts";
import {
  alarmBody,
  alarmEvent,
  firedBy,
  postableActions,
  type ToldAlarm,
} from "../domain/alarms.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { messageId } from "../events/message-id.ts";
import { logger } from "../lambda/logger.ts";
import { type Alarm, listEventAlarms } from "../openstack/alarming/alarms.ts";
import type { Cloud } from "../openstack/cloud.ts";

/** One address that alarms of a project want an event sent to. */
export type AlarmReceiver = {
  readonly kind: "alarm";
  /** Of the project and the address: the same whatever becomes of the alarms. */
  readonly id: string;
  readonly url: string;
  /** The first that names the address, as it was when it was listed. */
  readonly alarm: Alarm;
};

export type AlarmRequest = {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/**
 * Addresses of one project that are told of one event. Each may take minutes to answer, and the
 * places of who waits for them are shared by all projects.
 */
const MOST_ADDRESSES = 10;

/**
 * Whom to POST an event to because an alarm of the project fires on it, as Aodh itself would, but
 * an address that several alarms name once: who acts on each POST must not act twice. Of too many
 * addresses those of the alarms with the lowest ids. None unless alarms are served directly (setting LULL_AODH) and the cloud has Aodh.
 *
 * @param detail of the event; `type` is what it is
 * @throws OpenStackError 403 when Lull may not list every project's alarms (docs/policy/aodh.yaml)
 * @throws TransientOpenStackError when Aodh does not answer
 */
export const alarmReceiversOf = async (
  cloud: Cloud,
  projectId: string,
  detail: Readonly<Record<string, unknown>>,
  { aodh, type = "maintenance.scheduled" }: { aodh: Settings["LULL_AODH"]; type?: string },
): Promise<AlarmReceiver[]> => {
  if (aodh !== "direct") return [];
  const alarms = await alarmsFiredBy(cloud, projectId, detail, type);
  const found = alarms.flatMap((alarm) =>
    postableActions(alarm).map((url) => ({
      kind: "alarm" as const,
      id: receiverId(projectId, url),
      url,
      alarm,
    })),
  );
  const all = [...Map.groupBy(found, ({ id }) => id).values()].flatMap(([first]) => first ?? []);
  if (all.length > MOST_ADDRESSES)
    logger.warn("a project's alarms name too many addresses; not all of them are told", {
      project_id: projectId,
      addresses: all.length,
      told: MOST_ADDRESSES,
    });
  return all.slice(0, MOST_ADDRESSES);
};

const receiverId = (projectId: string, url: string): string => {
  const address = URL.canParse(url) ? new URL(url).href : url;
  const hash = createHash("sha256").update(JSON.stringify([projectId, address]));
  return `alarm_${hash.digest("base64url").slice(0, 27)}`;
};

/**
 * The alarms of a project that an event fires, whoever serves them; none in a cloud without Aodh.
 * Throws as `alarmReceiversOf` does.
 */
export const alarmsFiredBy = async (
  cloud: Cloud,
  projectId: string,
  detail: Readonly<Record<string, unknown>>,
  type = "maintenance.scheduled",
): Promise<Alarm[]> => {
  if (!(await cloud.has("alarming"))) return [];
  const at = typeof detail["at"] === "string" ? detail["at"] : new Date(0).toISOString();
  return firedBy(await alarmsOf(cloud), alarmEvent({ type, at, detail }, projectId, ""));
};

/**
 * What to send there: Aodh's own request. The same event is always the same message, also when it is
 * sent again, so that receivers can tell.
 */
export const alarmRequest = (
  { url, alarm }: { readonly url: string; readonly alarm: ToldAlarm },
  event: Omit<DomainEvent, "schema">,
): AlarmRequest => {
  const id = messageId(event, alarm.project_id);
  return {
    url,
    method: "POST",
    headers: { "content-type": "application/json", "x-openstack-request-id": `req-${id}` },
    body: JSON.stringify(alarmBody(alarm, alarmEvent(event, alarm.project_id, id))),
  };
};

/** One list serves a burst of events; an alarm that was made seconds ago must not be missed. */
const FRESH_MS = 3_000;

const lists = new WeakMap<Cloud, { readonly until: number; readonly alarms: Promise<Alarm[]> }>();

const alarmsOf = (cloud: Cloud): Promise<Alarm[]> => {
  const known = lists.get(cloud);
  if (known && performance.now() < known.until) return known.alarms;
  const alarms = listEventAlarms(cloud.service("alarming"));
  lists.set(cloud, { until: performance.now() + FRESH_MS, alarms });
  alarms.catch(() => lists.delete(cloud));
  return alarms;
};
