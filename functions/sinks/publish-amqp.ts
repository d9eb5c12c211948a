import type { EventBridgeEvent } from "aws-lambda";
import * as z from "zod";
import {
  alarmNotificationsOf,
  enveloped,
  type Notification,
  notificationsOf,
} from "../../lib/amqp/notifications.ts";
import {
  AmqpError,
  type Destination,
  type Publish,
  withPublisher,
} from "../../lib/amqp/publisher.ts";
import { readSettings } from "../../lib/config.ts";
import { logger } from "../../lib/lambda/logger.ts";
import { readSecret } from "../../lib/secrets.ts";

const detailSchema = z.looseObject({ entity: z.string(), sequence: z.int(), at: z.string() });

const settings = readSettings();
const format = settings.LULL_AMQP_FORMAT;

const NOTIFICATIONS: Destination = {
  exchange: settings.LULL_AMQP_EXCHANGE,
  key: `${settings.LULL_AMQP_TOPIC}.info`,
  declare: {
    durable: settings.LULL_AMQP_DURABLE,
    arguments: settings.LULL_AMQP_QUEUE_ARGUMENTS,
  },
};

/** Aodh's listener makes it: `[listener] event_alarm_topic`, and the priority that Ceilometer uses. */
const ALARMS: Destination = { exchange: "", key: "alarm.all.sample", declare: null };

const TIMEOUT_MS = 15_000;

/**
 * Publishes an event on OpenStack's message bus, if the deployment has its secret. A notification may
 * come twice, under one message id. What fires alarms is published last, and not again when the broker
 * may have it: a project that is asked twice to scale in does so twice.
 *
 * @throws AmqpError to be tried again
 */
export const handler = async (incoming: EventBridgeEvent<string, unknown>): Promise<void> => {
  if (settings.LULL_AMQP_SECRET === null) return;
  const detail = detailSchema.parse(incoming.detail);
  const { entity, sequence, at } = detail;
  const event = { type: incoming["detail-type"], entity, sequence, at, detail };
  const url = await readSecret(settings.LULL_AMQP_SECRET);
  await withPublisher({ url, ca: settings.LULL_CA, timeoutMs: TIMEOUT_MS }, async (publish) => {
    const projects = settings.LULL_HOST_EVENT_PROJECTS;
    for (const notification of notificationsOf(event, projects))
      await publish(NOTIFICATIONS, enveloped(notification, format));
    if (settings.LULL_AODH !== "bus") return;
    for (const notification of alarmNotificationsOf(event, projects))
      await publishOnce(publish, notification);
  });
};

const publishOnce = async (publish: Publish, notification: Notification): Promise<void> => {
  try {
    await publish(ALARMS, enveloped(notification, format));
  } catch (error) {
    if (!(error instanceof AmqpError) || !error.sent) throw error;
    const { message_id } = notification;
    logger.error("alarms may not have fired; it is not sent again", { error, message_id });
  }
};
