import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import type { Clock } from "../clock.ts";
import { eventOf } from "./http-api/event.ts";
import { router } from "./http-api/routes.ts";
import { BodyTooLargeError, readBody } from "./http-server.ts";
import type { Functions, Invocation } from "./lambda/functions.ts";
import type { RouteModel } from "./template/model.ts";

/** Request payload of an HTTP API, and of a synchronous invocation either way (service quotas). */
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;
const MAX_INVOCATION_BYTES = 6 * 1024 * 1024;

type Answer = {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
};

const ownAnswer = (status: number, message: string): Answer => ({
  status,
  headers: { "Content-Type": "application/json" },
  body: Buffer.from(JSON.stringify({ message })),
});
const NOT_FOUND = ownAnswer(404, "Not Found");
const INTERNAL_ERROR = ownAnswer(500, "Internal Server Error");
const UNAVAILABLE = ownAnswer(503, "Service Unavailable");

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const responseSchema = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), scalar.nullish()).nullish(),
  cookies: z.array(z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

const structured = (result: object): Answer => {
  const parsed = responseSchema.safeParse(result);
  if (!parsed.success) return INTERNAL_ERROR;
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const sent: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers ?? {}))
    if (value !== null && value !== undefined) sent[name] = String(value);
  if (cookies?.length) sent["Set-Cookie"] = cookies;
  const hasType = Object.keys(sent).some((name) => name.toLowerCase() === "content-type");
  if (!hasType && body) sent["Content-Type"] = "text/plain;charset=UTF-8";
  return {
    status: statusCode,
    headers: sent,
    body: Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8"),
  };
};

/** A result without `statusCode` is itself the JSON body of a 200 (payload format 2.0). */
const answerOf = (result: unknown): Answer => {
  const answer =
    typeof result === "object" && result !== null && "statusCode" in result
      ? structured(result)
      : {
          status: 200,
          headers: { "Content-Type": "application/json" },
          body: Buffer.from(typeof result === "string" ? result : (JSON.stringify(result) ?? "")),
        };
  return answer.body.length > MAX_INVOCATION_BYTES ? INTERNAL_ERROR : answer;
};

/** The path as an HTTP API hands it on: decoded, cut at a `?` that the decoding brought out. */
const decodedPath = (raw: string): string | undefined => {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw).split("?")[0];
  } catch {
    return undefined;
  }
};

/** The HTTP API: routes, payload format 2.0, time-out and limits of API Gateway. */
export const apiListener = (options: {
  routes: readonly RouteModel[];
  functions: Functions;
  clock: Clock;
  log: (line: string) => void;
}) => {
  const { functions, clock, log } = options;
  const find = router(options.routes);

  /** The function goes on after the API's time-out, but nobody reads its answer. */
  const inTime = (route: RouteModel, invocation: Promise<Invocation>): Promise<Answer> =>
    new Promise((resolve) => {
      const cancel = clock.at(clock.now() + route.timeoutMs, () => resolve(UNAVAILABLE));
      const settle = (answer: Answer) => {
        cancel();
        resolve(answer);
      };
      invocation.then(
        (ended) => {
          if (ended.outcome === "returned") return settle(answerOf(ended.result));
          if (ended.outcome !== "failed") return settle(UNAVAILABLE);
          log(`${route.key}: ${ended.error.errorType}: ${ended.error.errorMessage}`);
          settle(INTERNAL_ERROR);
        },
        () => settle(INTERNAL_ERROR),
      );
    });

  const serve = async (request: IncomingMessage, requestId: string): Promise<Answer> => {
    const [rawPath = "/", rawQuery = ""] = splitOnce(request.url ?? "/");
    const path = decodedPath(rawPath);
    if (path === undefined) return ownAnswer(400, "Bad Request");
    const match = find(request.method ?? "GET", path);
    if (!match) return NOT_FOUND;
    const body = await readBody(request, MAX_REQUEST_BYTES);
    if (body.length > MAX_INVOCATION_BYTES) return INTERNAL_ERROR;
    const event = eventOf({ request, path, rawQuery, body, match, requestId, now: clock.now() });
    return inTime(match.route, functions.invoke(match.route.functionArn, event));
  };

  const send = (response: ServerResponse, { status, headers, body }: Answer, requestId: string) => {
    response.writeHead(status, {
      ...headers,
      "apigw-requestid": requestId,
      ...(status !== 204 && status !== 304 && { "Content-Length": body.length }),
    });
    response.end(body);
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const release = clock.hold();
    const requestId = randomUUID();
    try {
      send(response, await serve(request, requestId), requestId);
    } catch (error) {
      const tooLarge = error instanceof BodyTooLargeError;
      if (!tooLarge) log(`${request.method} ${request.url}: ${error}`);
      if (response.headersSent) return void response.destroy();
      send(
        response,
        tooLarge ? ownAnswer(413, "Request Entity Too Large") : INTERNAL_ERROR,
        requestId,
      );
    } finally {
      release();
    }
  };
};

const splitOnce = (url: string): [string, string] => {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
};
