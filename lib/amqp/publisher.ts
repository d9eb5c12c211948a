import { rootCertificates } from "node:tls";
import { type ConfirmChannel, connect } from "amqplib";

/** Where a message goes. */
export type Destination = {
  /** "" is the broker's own exchange, whose keys are names of queues. */
  readonly exchange: string;
  readonly key: string;
  /**
   * Makes exchange (type topic), queue (named as the key) and binding when they are not there, as
   * oslo.messaging's notifier does. Null: only a queue that is there gets it.
   */
  readonly declare: QueueOptions | null;
};

/** They must equal those of whoever else declares the queue, or the broker refuses. */
type QueueOptions = {
  readonly durable: boolean;
  /** E.g. {"x-queue-type": "quorum"}. */
  readonly arguments: Readonly<Record<string, unknown>>;
};

export type Broker = {
  /** amqp:// or amqps://, with user and password. */
  readonly url: string;
  /** Certificate authorities besides the well-known, PEM; "" = none. */
  readonly ca: string;
  /** For the connection, and then for each answer of the broker. */
  readonly timeoutMs: number;
};

/** A message was not taken. Its text names no password. */
export class AmqpError extends Error {
  override readonly name = "AmqpError";
  /** Whether the broker may have it all the same. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.sent = sent;
  }
}

/** Resolves when the broker has taken the message into a queue. @throws AmqpError */
export type Publish = (to: Destination, text: string) => Promise<void>;

/**
 * Connects, lets `work` publish, and closes the connection.
 *
 * @throws AmqpError with `sent` false when there is no connection
 */
export const withPublisher = async <T>(
  { url, ca, timeoutMs }: Broker,
  work: (publish: Publish) => Promise<T>,
): Promise<T> => {
  const options = { timeout: timeoutMs, ...(ca !== "" && { ca: [...rootCertificates, ca] }) };
  const connection = await connect(url, options).catch((cause: unknown) => {
    throw new AmqpError(`no connection to the message bus: ${wordsOf(cause)}`, false, { cause });
  });
  // What ends it also rejects whatever is under way.
  connection.on("error", () => {});
  try {
    const opened = connection.createConfirmChannel();
    const channel = await within(timeoutMs, false, opened);
    channel.on("error", () => {});
    return await work(publishOn(channel, timeoutMs));
  } finally {
    await within(timeoutMs, true, connection.close()).catch(() => {});
  }
};

const publishOn = (channel: ConfirmChannel, timeoutMs: number): Publish => {
  let returned = false;
  channel.on("return", () => {
    returned = true;
  });
  return async (to, text) => {
    await within(timeoutMs, false, declared(channel, to));
    returned = false;
    await within(timeoutMs, true, confirmed(channel, to, text));
    if (returned) throw new AmqpError(`no queue takes ${nameOf(to)}`, false);
  };
};

const declared = async (
  channel: ConfirmChannel,
  { exchange, key, declare }: Destination,
): Promise<void> => {
  if (declare === null) return;
  const { durable } = declare;
  try {
    await channel.assertExchange(exchange, "topic", { durable });
    await channel.assertQueue(key, { durable, arguments: declare.arguments });
    await channel.bindQueue(key, exchange, key);
  } catch (cause) {
    throw new AmqpError(`the bus refuses queue ${key}: ${wordsOf(cause)}`, false, { cause });
  }
};

/** The broker tells of a message that it returns before it confirms it. */
const confirmed = (channel: ConfirmChannel, to: Destination, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const options = {
      mandatory: true,
      persistent: true,
      contentType: "application/json",
      contentEncoding: "utf-8",
    };
    channel.publish(to.exchange, to.key, Buffer.from(text), options, (cause: unknown) => {
      if (cause === null || cause === undefined) resolve();
      else
        reject(
          new AmqpError(`${nameOf(to)} was not confirmed: ${wordsOf(cause)}`, true, { cause }),
        );
    });
  });

/** @param sent whether the broker may have a message when it does not answer in time */
const within = async <T>(ms: number, sent: boolean, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AmqpError(`no answer of the bus in ${ms} ms`, sent)), ms);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
};

const nameOf = ({ exchange, key }: Destination): string => `${exchange || "(default)"}/${key}`;

const wordsOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);
