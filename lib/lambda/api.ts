import middy from "@middy/core";
import httpRouter from "@middy/http-router";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type * as z from "zod";
import { proxyOf, readSettings } from "../config.ts";
import { ForbiddenError, MalformedError, NotFoundError } from "../domain/errors.ts";
import type { Keystone } from "../openstack/identity/tokens.ts";
import { httpTransport } from "../openstack/transport.ts";
import { breakGlass } from "./break-glass.ts";
import { logger } from "./logger.ts";
import { authenticator, type Persona, type Principal } from "./principal.ts";
import { findingsOf, toProblem } from "./problem.ts";

export type ApiRequest = {
  /** Null on routes that anyone may call. */
  readonly principal: Principal | null;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly now: string;
};

export type Reply = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Route = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** Who may call it; `anyone` needs no token. There is no route without a rule. */
  readonly allow: readonly Persona[] | "anyone";
  readonly run: (request: ApiRequest) => Promise<Reply>;
};

const settings = readSettings();

/** The Keystone that callers' tokens are of, and how OpenStack is reached from here. */
export const keystone: Required<Keystone> = {
  authUrl: settings.LULL_AUTH_URL,
  transport: httpTransport({
    cacert: settings.LULL_CA === "" ? undefined : settings.LULL_CA,
    proxy: proxyOf(settings),
  }),
};

const authenticate = authenticator(keystone, {
  adminRole: settings.LULL_ADMIN_ROLE,
  readerRole: settings.LULL_READER_ROLE,
});

const emergency = breakGlass(settings.LULL_BREAK_GLASS_SHA256);

/** A cloud admin's operator may read what a reader may. */
export const READERS = ["fleet_reader", "fleet_admin", "break_glass"] as const;
export const ADMINS = ["fleet_admin"] as const;
/** Who may have the whole cloud looked at; nothing is changed by it. */
export const PLANNERS = ["fleet_reader", "fleet_admin"] as const;
/** What stops things and puts them back has to work without Keystone, too. */
export const BRAKEMEN = ["fleet_admin", "break_glass"] as const;

/** Who may say what a project wants; whoever is of no project is told so. */
export const OWNERS = ["fleet_admin", "project_writer"] as const;

/** Who may look, readers of the fleet at everything and members of a project at what is theirs. */
export const VIEWERS = [...READERS, "project_member"] as const;

/** What is a project's own: its members' alone, whatever else a token is good for. */
export const MEMBERS = ["project_member"] as const;
/** The same where something is changed. */
export const WRITERS = ["project_writer"] as const;

/** Whether the caller may see everything, or only what a project of its own may. */
export const mayReadFleet = ({ principal }: Pick<ApiRequest, "principal">): boolean =>
  READERS.some((persona) => principal?.personas.has(persona));

/** @throws ForbiddenError when the project is not the token's, and the caller no reader of the fleet */
export const checkProject = (
  request: Pick<ApiRequest, "principal">,
  projectId: string | null,
): void => {
  if (mayReadFleet(request)) return;
  if (projectId === null || request.principal?.projectId !== projectId)
    throw new ForbiddenError("the token is of another project");
};

/**
 * The project whose things the caller wants to see: the one asked for, else the token's.
 *
 * @throws ForbiddenError when the caller may not see it
 * @throws NotFoundError when a token of no project asks for none
 */
export const projectToShow = (
  request: Pick<ApiRequest, "principal">,
  asked: string | undefined,
): string => {
  const projectId = asked ?? request.principal?.projectId ?? null;
  checkProject(request, projectId);
  if (projectId === null) throw new NotFoundError("the token is of no project: ask for one");
  return projectId;
};

/** The project that the caller speaks for. @throws ForbiddenError when the token is of none */
export const ownProject = ({ principal }: Pick<ApiRequest, "principal">): string => {
  if (principal?.projectId) return principal.projectId;
  throw new ForbiddenError("the token is of no project, and only a project speaks for itself");
};

/**
 * One resource of the API as a Lambda: routes, each with the personas that may call it; answers
 * as JSON, errors as problem details.
 */
export const api = (routes: readonly Route[]) =>
  middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .onError((request) => {
      const missing = request.error && "statusCode" in request.error;
      const error = missing ? new NotFoundError("there is nothing at this path") : request.error;
      request.response = toProblem(error);
    })
    .handler(
      httpRouter(
        routes.map((route) => ({
          method: route.method,
          path: route.path,
          handler: (event: APIGatewayProxyEventV2) => answer(route, event),
        })),
      ),
    );

const answer = async (
  { allow, run }: Route,
  event: APIGatewayProxyEventV2,
): Promise<APIGatewayProxyStructuredResultV2> => {
  const { timeEpoch } = event.requestContext;
  const headers = definedOnly(event.headers);
  let principal: Principal | null = null;
  if (allow !== "anyone") {
    principal = emergency(headers) ?? (await authenticate(headers["x-auth-token"], timeEpoch));
    const { personas, name } = principal;
    const allowed = allow.some((persona) => personas.has(persona));
    if (personas.has("break_glass"))
      logger.warn("the break-glass token was used", {
        method: event.requestContext.http.method,
        path: event.rawPath,
        from: event.requestContext.http.sourceIp,
        allowed,
      });
    if (!allowed)
      throw new ForbiddenError(
        `${name} may not do this; it takes ${allow.map(inWords).join(" or ")}`,
      );
  }
  const reply = await run({
    principal,
    params: definedOnly(event.pathParameters ?? {}),
    query: definedOnly(event.queryStringParameters ?? {}),
    headers,
    body: bodyOf(event),
    now: new Date(timeEpoch).toISOString(),
  });
  return {
    statusCode: reply.status,
    headers: { "content-type": "application/json", ...reply.headers },
    body: JSON.stringify(reply.body),
  };
};

const inWords = (persona: Persona): string =>
  ({
    fleet_admin: `role ${settings.LULL_ADMIN_ROLE}`,
    fleet_reader: "a role that may read the whole fleet",
    project_member: "membership of the project",
    project_writer: "a role in the project other than reader",
    break_glass: "the break-glass token",
  })[persona];

const definedOnly = (
  values: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );

const bodyOf = ({ body, isBase64Encoded }: APIGatewayProxyEventV2): string | undefined =>
  body !== undefined && isBase64Encoded ? Buffer.from(body, "base64").toString() : body;

/** @throws MalformedError naming each field that is wrong; only this parse blames the caller */
export const parseBody = <S extends z.ZodType>(
  schema: S,
  { body }: Pick<ApiRequest, "body">,
): z.infer<S> => parse(schema, jsonOf(body));

/** The same for a body that may be left out. */
export const parseOptionalBody = <S extends z.ZodType>(
  schema: S,
  { body }: Pick<ApiRequest, "body">,
): z.infer<S> => parse(schema, jsonOf(body || "{}"));

/**
 * A part of the path. What cannot be the name or id of anything is looked up nowhere.
 *
 * @throws NotFoundError when it is not of that shape
 */
export const pathParameter = (value: string | undefined, schema: z.ZodType<string>): string => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new NotFoundError("there is nothing of that name");
};

/** @throws MalformedError naming each parameter that is wrong */
export const parseQuery = <S extends z.ZodType>(
  schema: S,
  { query }: Pick<ApiRequest, "query">,
): z.infer<S> => parse(schema, query);

/** In bytes. What is kept of one is a row of the table, which holds 400 KB; gateways let 10 MB through. */
const LARGEST_BODY = 200_000;

const jsonOf = (body: string | undefined): unknown => {
  if (body !== undefined && Buffer.byteLength(body) > LARGEST_BODY)
    throw new MalformedError(`the body is larger than ${LARGEST_BODY} bytes`);
  try {
    return JSON.parse(body ?? "");
  } catch {
    throw new MalformedError("the body is not JSON");
  }
};

const parse = <S extends z.ZodType>(schema: S, value: unknown): z.infer<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MalformedError("some fields are wrong", findingsOf(parsed.error));
};
