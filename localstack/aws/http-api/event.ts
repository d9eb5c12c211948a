import type { IncomingMessage } from "node:http";
import { ACCOUNT_ID } from "../template/scope.ts";
import type { Match } from "./routes.ts";

/** Media types whose body reaches the function as text; any other arrives in base64, also none. */
const TEXT = /^(text\/|application\/(json|xml|javascript)\s*(;|$))/i;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Common log format: `12/Mar/2020:19:03:58 +0000`. */
const logTime = (ms: number) => {
  const [date = "", time = ""] = new Date(ms).toISOString().split("T");
  const [year, month, day] = date.split("-");
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
};

const headersOf = (request: IncomingMessage): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (name !== "cookie" && value !== undefined)
      headers[name] = Array.isArray(value) ? value.join(",") : value;
  return headers;
};

const queryOf = (rawQuery: string): Record<string, string> => {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQuery))
    query[name] = Object.hasOwn(query, name) ? `${query[name]},${value}` : value;
  return query;
};

/**
 * A request as a function behind an HTTP API gets it, payload format 2.0 (API Gateway developer
 * guide, "Working with AWS Lambda proxy integrations").
 *
 * @param path decoded, as an HTTP API hands it over
 * @param now milliseconds since the epoch, for `requestContext.timeEpoch`
 */
export const eventOf = (options: {
  request: IncomingMessage;
  path: string;
  rawQuery: string;
  body: Buffer;
  match: Match;
  requestId: string;
  now: number;
}) => {
  const { request, path, rawQuery, body, match, now } = options;
  const { key } = match.route;
  const { host = "localhost", cookie, "content-type": contentType = "" } = request.headers;
  const isText = TEXT.test(contentType);
  return {
    version: "2.0",
    routeKey: key,
    rawPath: path,
    rawQueryString: rawQuery,
    ...(cookie !== undefined && { cookies: cookie.split(/;\s*/) }),
    headers: headersOf(request),
    ...(rawQuery !== "" && { queryStringParameters: queryOf(rawQuery) }),
    requestContext: {
      accountId: ACCOUNT_ID,
      apiId: "embedded",
      domainName: host,
      domainPrefix: host.split(".")[0],
      http: {
        method: request.method ?? "GET",
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "",
        userAgent: request.headers["user-agent"] ?? "",
      },
      requestId: options.requestId,
      routeKey: key,
      stage: "$default",
      time: logTime(now),
      timeEpoch: now,
    },
    ...(Object.keys(match.pathParameters).length > 0 && { pathParameters: match.pathParameters }),
    ...(body.length > 0 && { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
};
