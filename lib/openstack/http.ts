import { setTimeout as pause } from "node:timers/promises";
import type * as z from "zod";
import { OpenStackError, TransientOpenStackError } from "./errors.ts";
import { ConnectionError, type Transport, type WireReply } from "./transport.ts";

/** One service of one cloud; gophercloud calls this a ServiceClient. */
export type ServiceClient = {
  /** The service's type in the catalog, e.g. "compute". */
  readonly service: string;
  readonly transport: Transport;
  /** Base URL without trailing slash. */
  readonly endpoint: () => Promise<string>;
  /** A token; naming one that was refused makes a new one. */
  readonly token: (refused?: string) => Promise<string>;
  /** The value of OpenStack-API-Version, at most `atMost`; undefined for services without microversions. */
  readonly microversion: (atMost?: string) => Promise<string | undefined>;
  /** How long a whole call may take, all tries together. */
  readonly timeoutMs: number;
};

export type CallOptions = {
  readonly method?: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  readonly body?: unknown;
  /** "req-<uuid>", sent as X-OpenStack-Request-ID: the services log it, so that a call can be followed. */
  readonly requestId?: string | undefined;
  /** Accepted statuses; any 2xx when absent. */
  readonly expect?: readonly number[];
  /** Asks an older microversion than the client's. */
  readonly microversion?: string;
};

export type Answer<T> = {
  readonly status: number;
  /** The service's own request id. */
  readonly requestId: string | null;
  /** When it was answered by the service's own clock, RFC 3339 in whole seconds; null when it does not tell. */
  readonly date: string | null;
  readonly body: T;
};

/** How many times a read is tried, and for how long a next try may be begun. */
const TRIES = 3;
const RETRY_WINDOW_MS = 10_000;
const RETRYABLE: readonly (number | null)[] = [null, 413, 429, 502, 503, 504];

/**
 * Sends one request and parses the JSON reply with `schema` (an empty reply is `undefined`).
 * Reads are tried again on 413 (with Retry-After), 429, 502, 503, 504 and lost connections; nothing else ever is, except
 * once with a new token after 401, which services answer before they act.
 *
 * @throws OpenStackError when the service refuses
 * @throws TransientOpenStackError when it could not be found out, or the service is unwell
 */
export const call = async <S extends z.ZodType>(
  client: ServiceClient,
  path: string,
  schema: S,
  options: CallOptions = {},
): Promise<z.infer<S>> => (await callForAnswer(client, path, schema, options)).body;

/** `call`, with status and request id. */
export const callForAnswer = async <S extends z.ZodType>(
  client: ServiceClient,
  path: string,
  schema: S,
  options: CallOptions = {},
): Promise<Answer<z.infer<S>>> => {
  const attempt = (deadline: number) => authorised(client, path, options, deadline);
  const reply =
    (options.method ?? "GET") === "GET"
      ? await readAgain(client.timeoutMs, attempt)
      : await attempt(performance.now() + client.timeoutMs);
  return parseReply(`${options.method ?? "GET"} ${client.service}${path}`, reply, schema);
};

/**
 * Makes a read, and makes it again where that may help: one whose shared connection the service has just
 * closed says nothing about the service.
 *
 * @param timeoutMs for all tries together
 * @param attempt told until when it has time, on `performance.now()`
 */
export const readAgain = async (
  timeoutMs: number,
  attempt: (deadline: number) => Promise<WireReply>,
): Promise<WireReply> => {
  const started = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(started + timeoutMs);
    } catch (error) {
      if (!(error instanceof TransientOpenStackError)) throw error;
      if (tries >= TRIES || !RETRYABLE.includes(error.status)) throw error;
      const wait = error.retryAfterMs ?? 200 * 3 ** (tries - 1) * (1 + Math.random());
      if (performance.now() + wait > started + RETRY_WINDOW_MS) throw error;
      await pause(wait);
    }
  }
};

/** One try, and a second one with a new token when the first was answered 401. */
const authorised = async (
  client: ServiceClient,
  path: string,
  options: CallOptions,
  deadline: number,
): Promise<WireReply> => {
  const what = `${options.method ?? "GET"} ${client.service}${path}`;
  const prepared = await beforeSending(async () => ({
    url: (await client.endpoint()) + path,
    microversion: await client.microversion(options.microversion),
    token: await client.token(),
  }));
  const attempt = async (token: string) =>
    send(client, what, {
      method: options.method ?? "GET",
      url: prepared.url,
      headers: headers(token, prepared.microversion, options),
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      timeoutMs: deadline - performance.now(),
    });
  let reply = await attempt(prepared.token);
  if (reply.status === 401)
    reply = await attempt(await beforeSending(() => client.token(prepared.token)));
  return accepted(what, reply, options.expect);
};

/** Whatever fails before the request leaves cannot have had an effect. */
const beforeSending = async <T>(prepare: () => Promise<T>): Promise<T> => {
  try {
    return await prepare();
  } catch (error) {
    if (!(error instanceof TransientOpenStackError)) throw error;
    throw new TransientOpenStackError({ ...error, message: error.message, sent: false });
  }
};

const headers = (
  token: string,
  microversion: string | undefined,
  { body, requestId }: CallOptions,
): Record<string, string> => ({
  Accept: "application/json",
  "User-Agent": "lull",
  "X-Auth-Token": token,
  ...(microversion !== undefined && { "OpenStack-API-Version": microversion }),
  ...(requestId !== undefined && { "X-OpenStack-Request-ID": requestId }),
  ...(body !== undefined && { "Content-Type": "application/json" }),
});

/** Sends without judging the status. @throws TransientOpenStackError when no answer came */
export const send = async (
  { transport }: Pick<ServiceClient, "transport">,
  what: string,
  request: Parameters<Transport>[0],
): Promise<WireReply> => {
  const fail = (detail: string, sent: boolean) =>
    new TransientOpenStackError({
      message: `${what}: ${detail}`,
      status: null,
      requestId: null,
      detail,
      sent,
    });
  if (request.timeoutMs <= 0) throw fail("no time was left to send it", false);
  try {
    return await transport(request);
  } catch (error) {
    if (error instanceof ConnectionError) throw fail(error.message, error.sent);
    throw error;
  }
};

/**
 * Lets an accepted status through.
 *
 * @throws OpenStackError | TransientOpenStackError by status
 */
export const accepted = (what: string, reply: WireReply, expect?: readonly number[]): WireReply => {
  const { status } = reply;
  if (expect ? expect.includes(status) : status >= 200 && status < 300) return reply;
  const requestId = reply.header("x-openstack-request-id") ?? null;
  const detail = detailOf(reply);
  const told = {
    message: `${what}: HTTP ${status}${requestId ? ` (${requestId})` : ""}: ${detail}`,
    status,
    requestId,
    detail,
  };
  const retryAfterMs = retryAfter(reply);
  const limited = status === 413 && retryAfterMs !== undefined;
  if (status === 408 || status === 429 || limited || status >= 500)
    throw new TransientOpenStackError({ ...told, sent: true, retryAfterMs });
  throw new OpenStackError(told);
};

/** Parses an accepted reply. A body that is no JSON comes from something in between, not from the service. */
export const parseReply = <S extends z.ZodType>(
  what: string,
  reply: WireReply,
  schema: S,
): Answer<z.infer<S>> => {
  const requestId = reply.header("x-openstack-request-id") ?? null;
  const told = { status: reply.status, requestId };
  const json = reply.text === "" ? { value: undefined } : parseJson(reply.text);
  if (!json) {
    const detail = `the answer is no JSON: ${plainText(reply.text)}`;
    throw new TransientOpenStackError({
      ...told,
      message: `${what}: ${detail}`,
      detail,
      sent: true,
    });
  }
  const parsed = schema.safeParse(json.value);
  if (parsed.success) return { ...told, date: dateOf(reply), body: parsed.data };
  const [issue] = parsed.error.issues;
  const detail = `the answer has another shape than documented at ${issue?.path.join(".") || "its top"}: ${issue?.message}`;
  throw new OpenStackError({ ...told, message: `${what}: ${detail}`, detail });
};

const dateOf = (reply: WireReply): string | null => {
  const at = Date.parse(reply.header("date") ?? "");
  return Number.isNaN(at) ? null : new Date(at).toISOString();
};

const parseJson = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

/**
 * The words of an error body: Nova wraps them in one key that names the kind, Keystone in `error`,
 * Placement in `errors[]`, Neutron in `NeutronError`, Aodh in `error_message`; proxies and
 * keystonemiddleware answer HTML. The wrapping keys are not relied upon.
 */
const detailOf = (reply: WireReply): string => {
  const json = parseJson(reply.text);
  const words = json && findWords(json.value);
  return (words ?? plainText(reply.text)).trim().slice(0, 500) || "(no text)";
};

const WORDS = ["message", "detail", "faultstring", "description"];

const findWords = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value);
  for (const [key, inner] of entries)
    if (WORDS.includes(key) && typeof inner === "string") return inner;
  for (const [, inner] of entries) {
    const words = findWords(inner);
    if (words !== undefined) return words;
  }
  return undefined;
};

const plainText = (text: string): string =>
  text
    .replace(/<(style|script|title)[\s\S]*?<\/\1>/gi, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 500);

/** Retry-After as seconds or as an HTTP date, in milliseconds from the reply's own Date. */
const retryAfter = (reply: WireReply): number | undefined => {
  const value = reply.header("retry-after");
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const wait = Date.parse(value) - Date.parse(reply.header("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
};
