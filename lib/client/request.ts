import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { ApiError, ApiUnreachableError } from "./errors.ts";

/** One deployment's API, seen by one user. */
export type Api = {
  /** Base URL, without /v1. */
  readonly endpoint: string;
  /** A Keystone token; naming one that was refused asks for a new one. */
  readonly token: (refused?: string) => Promise<string>;
  /** For each try, in milliseconds; 30 s (the longest an answer may take) and a little unless told. */
  readonly timeoutMs?: number;
  /** Ends whatever is under way. */
  readonly signal?: AbortSignal;
};

export type ApiRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** Makes a POST repeatable: the API answers a second one with the first one's reply. */
  readonly idempotencyKey?: string;
  /** The request may be made twice: the second one finds done what it asks for. */
  readonly repeatable?: boolean;
  /** The version that the change is based on; another one is refused with 412. */
  readonly ifMatch?: string;
};

const DEFAULT_TIMEOUT_MS = 35_000;
const TRIES = 3;
const LONGEST_WAIT_MS = 10_000;
const RETRYABLE = [429, 500, 502, 503, 504];

type Reply = { readonly status: number; readonly headers: Headers; readonly text: string };

/**
 * Sends one request and parses the reply with `schema`. What may be repeated (a GET, a PUT, a POST with
 * an idempotency key, what says so) is tried three times on 429, 500 (what a gateway says of a function that ran out of time), 502, 503,
 * 504 and lost connections; a refused token
 * is replaced once.
 *
 * @throws ApiError on an answer outside 2xx
 * @throws ApiUnreachableError when there was no answer, or one that is not this API's
 */
export const request = async <S extends z.ZodType>(
  api: Api,
  path: string,
  schema: S,
  options: ApiRequest = {},
): Promise<z.infer<S>> => {
  const what = `${options.method ?? "GET"} ${api.endpoint}${path}`;
  const reply = await withRetries(api, options, () => authorised(api, what, path, options));
  if (reply.status < 200 || reply.status > 299) throw refusal(what, reply);
  const parsed = schema.safeParse(parseJson(reply.text));
  if (parsed.success) return parsed.data;
  throw new ApiUnreachableError(
    `${what} answered, but not as this API does (is the address right?): ${z.prettifyError(parsed.error)}`,
  );
};

const withRetries = async (
  { signal }: Api,
  { method = "GET", idempotencyKey, repeatable: declared = false }: ApiRequest,
  attempt: () => Promise<Reply>,
): Promise<Reply> => {
  const repeatable = ["GET", "PUT"].includes(method) || idempotencyKey !== undefined || declared;
  for (let tries = 1; ; tries++) {
    const last = !repeatable || tries >= TRIES;
    let wait = 200 * 3 ** (tries - 1) * (1 + Math.random());
    try {
      const reply = await attempt();
      if (last || !RETRYABLE.includes(reply.status)) return reply;
      const asked = Number(reply.headers.get("retry-after")) * 1000;
      if (asked > 0) wait = Math.min(asked, LONGEST_WAIT_MS);
    } catch (error) {
      if (last || signal?.aborted || !(error instanceof ApiUnreachableError)) throw error;
    }
    await pause(wait, undefined, signal && { signal });
  }
};

const authorised = async (
  api: Api,
  what: string,
  path: string,
  options: ApiRequest,
): Promise<Reply> => {
  const token = await api.token();
  const reply = await attempt(api, what, path, options, token);
  if (reply.status !== 401) return reply;
  const renewed = await api.token(token);
  return renewed === token ? reply : await attempt(api, what, path, options, renewed);
};

const attempt = async (
  { endpoint, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: Api,
  what: string,
  path: string,
  { method = "GET", query = {}, body, idempotencyKey, ifMatch }: ApiRequest,
  token: string,
): Promise<Reply> => {
  const url = new URL(endpoint.replace(/\/$/, "") + path);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      redirect: "error",
      headers: {
        Accept: "application/json",
        "X-Auth-Token": token,
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...(idempotencyKey !== undefined && { "Idempotency-Key": idempotencyKey }),
        ...(ifMatch !== undefined && { "If-Match": ifMatch }),
      },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    const why = timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
    throw new ApiUnreachableError(`${what}: ${why}`, { cause });
  }
};

/** fetch() says "fetch failed"; what failed is in the cause, or in a bundle of one per address. */
const reasonOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
};

const problemSchema = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  code: z.string().default("unknown"),
  errors: z
    .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
    .default([]),
});

/** RFC 9457; anything else was said by something in between and is quoted as it is. */
const refusal = (what: string, { status, text }: Reply): ApiError => {
  const problem = problemSchema.safeParse(parseJson(text));
  const { title, detail, code, errors } = problem.success
    ? problem.data
    : { title: undefined, detail: text.slice(0, 300), code: "unknown", errors: [] };
  const words = detail || title || "no reason given";
  return new ApiError({ message: words, status, code, findings: errors }, { cause: what });
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Follows `next_cursor` to the last page. */
export async function* pages<T>(
  fetchPage: (cursor: string | undefined) => Promise<{
    readonly items: readonly T[];
    readonly next_cursor?: string | null | undefined;
  }>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    yield* page.items;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/** A whole listing in memory. */
export const collect = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};
