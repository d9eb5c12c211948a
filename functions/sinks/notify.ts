import { createHash } from "node:crypto";
import type { Context, EventBridgeEvent } from "aws-lambda";
import * as z from "zod";
import { readSettings } from "../../lib/config.ts";
import { engineCloud } from "../../lib/credentials.ts";
import { alarms } from "../../lib/delivery/alarm.ts";
import { laneWorker } from "../../lib/delivery/lane-worker.ts";
import { type ReceiverKind, receiversOf, sendBy } from "../../lib/delivery/receivers.ts";
import { webhooks } from "../../lib/delivery/webhook.ts";
import { newDelivery } from "../../lib/domain/delivery.ts";
import { DELIVERY_DUE } from "../../lib/domain/events/delivery-due.ts";
import {
  isReachKept,
  type ProjectEvent,
  projectEventSchema,
  projectsOf,
} from "../../lib/domain/events/project-event.ts";
import type { Receiver } from "../../lib/domain/receiver.ts";
import { type PassingTime, passingTime } from "../../lib/lambda/passing-time.ts";
import { deliveryStore } from "../../lib/store/deliveries.ts";
import { laneRefSchema, laneStore } from "../../lib/store/lanes.ts";
import { placeStore } from "../../lib/store/places.ts";
import { subscriptionStore } from "../../lib/store/subscriptions.ts";
import { openTable } from "../../lib/store/table.ts";

const detailSchema = z.record(z.string(), z.unknown());

const settings = readSettings();
const table = openTable(settings.TABLE_NAME);
const lanes = laneStore(table);
const deliveries = deliveryStore(table);

const KINDS: readonly ReceiverKind[] = [
  webhooks(settings, subscriptionStore(table)).kind,
  alarms(settings, () => engineCloud(settings)),
];

const { work, deliver } = laneWorker({
  lanes,
  deliveries,
  places: placeStore(table),
  send: sendBy(KINDS),
});

/**
 * Tells projects, and of hosts those that the operator has listed. An event becomes one delivery for
 * each receiver, and each receiver's lane is worked at once, beside the others; `delivery.due` has one
 * lane worked in which something waits. Safe to repeat: the same event makes the same deliveries.
 */
export const handler = async (
  { time, "detail-type": type, detail }: EventBridgeEvent<string, unknown>,
  context: Pick<Context, "getRemainingTimeInMillis">,
): Promise<void> => {
  const passing = passingTime(new Date(time).toISOString(), context);
  if (type === DELIVERY_DUE) return await work(laneRefSchema.parse(detail), passing);
  const happened = detailSchema.parse(detail);
  const events = projectsOf(happened, settings.LULL_HOST_EVENT_PROJECTS).map((project_id) =>
    projectEventSchema.parse({ ...happened, type, project_id }),
  );
  // The event comes again if one of them fails, and finds what is done already.
  await allOf(events.map((event) => tell(event, passing)));
};

const tell = async (event: ProjectEvent, time: PassingTime): Promise<void> => {
  const { receivers, failures } = await receiversOf(KINDS, event);
  const ids = receivers.map(({ receiver_id }) => receiver_id);
  if (isReachKept(event)) await deliveries.noteReceivers(event, ids, failures.length === 0);
  await allOf([
    ...receivers.map((receiver) =>
      deliver(newDelivery(event, receiver, messageIdOf(event, receiver)), time),
    ),
    ...failures.map((failure) => Promise.reject(failure)),
  ]);
};

/** Waits for all of them, and throws what the first that failed threw: none holds up another. */
const allOf = async (works: readonly Promise<void>[]): Promise<void> => {
  const done = await Promise.allSettled(works);
  const failed = done.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
};

const messageIdOf = (
  { session_id, at, entity, sequence }: ProjectEvent,
  { receiver_id }: Receiver,
): string => {
  const what = JSON.stringify([receiver_id, session_id, at, entity, sequence]);
  return `msg_${createHash("sha256").update(what).digest("base64url").slice(0, 27)}`;
};
