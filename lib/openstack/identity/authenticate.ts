import * as z from "zod";
import { accepted, parseReply, send } from "../http.ts";
import type { Transport } from "../transport.ts";
import { ownerSchema, type TokenOwner } from "./token-body.ts";

const text = z.string().min(1).optional();

/** The part of clouds.yaml's `auth` that Keystone is told, by the same names. */
export const credentialsShape = {
  auth_url: z.url(),
  username: text,
  user_id: text,
  password: text,
  user_domain_name: text,
  user_domain_id: text,
  project_name: text,
  project_id: text,
  project_domain_name: text,
  project_domain_id: text,
  application_credential_id: text,
  application_credential_secret: text,
  system_scope: z.literal("all").optional(),
};
const credentialsSchema = z.object(credentialsShape);
export type Credentials = z.infer<typeof credentialsSchema>;

/** Which services there are, and where. */
export const catalogSchema = z.array(
  z.object({
    type: z.string(),
    endpoints: z.array(
      z.object({
        interface: z.string(),
        region: z.string().nullish(),
        region_id: z.string().nullish(),
        url: z.string(),
      }),
    ),
  }),
);
export type Catalog = z.infer<typeof catalogSchema>;

const issuedSchema = z.object({
  token: z.object({
    issued_at: z.string(),
    expires_at: z.string(),
    catalog: catalogSchema.default([]),
  }),
});

export type IssuedToken = {
  readonly token: string;
  readonly catalog: Catalog;
  readonly owner: TokenOwner;
  /** Expiry by Keystone's clock counted from its own issue, so that the two clocks need not agree. */
  readonly lifetimeMs: number;
};

/** The base of the v3 API: operators write the URL with and without the version. */
export const identityUrl = (authUrl: string): string => {
  const bare = authUrl.replace(/\/+$/, "").replace(/\/v2\.0$/, "");
  return bare.endsWith("/v3") ? bare : `${bare}/v3`;
};

/**
 * POST /v3/auth/tokens, https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management
 *
 * @throws OpenStackError 401 when user, password, secret or scope is wrong
 */
export const authenticate = async (
  config: Credentials,
  transport: Transport,
  timeoutMs: number,
): Promise<IssuedToken> => {
  const url = `${identityUrl(config.auth_url)}/auth/tokens`;
  const what = `POST ${url}`;
  const reply = await send({ transport }, what, {
    method: "POST",
    url,
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify({ auth: credentials(config) }),
    timeoutMs,
  });
  const { token } = parseReply(what, accepted(what, reply), issuedSchema).body;
  const owner = parseReply(what, reply, ownerSchema).body;
  return {
    token: z.string({ error: "X-Subject-Token is missing" }).parse(reply.header("x-subject-token")),
    catalog: token.catalog,
    owner,
    lifetimeMs: Date.parse(token.expires_at) - Date.parse(token.issued_at),
  };
};

/** An application credential carries its own scope, and naming one is refused. */
const credentials = (config: Credentials) =>
  config.application_credential_id !== undefined
    ? {
        identity: {
          methods: ["application_credential"],
          application_credential: {
            id: config.application_credential_id,
            secret: config.application_credential_secret,
          },
        },
      }
    : {
        identity: {
          methods: ["password"],
          password: { user: { ...user(config), password: config.password } },
        },
        scope: scope(config),
      };

const user = (config: Credentials) =>
  config.user_id !== undefined
    ? { id: config.user_id }
    : {
        name: config.username,
        domain: domain(config.user_domain_id, config.user_domain_name),
      };

const scope = (config: Credentials) => {
  if (config.system_scope !== undefined) return { system: { all: true } };
  if (config.project_id !== undefined) return { project: { id: config.project_id } };
  return {
    project: {
      name: config.project_name,
      domain: domain(config.project_domain_id, config.project_domain_name),
    },
  };
};

const domain = (id: string | undefined, name: string | undefined) =>
  id === undefined ? { name: name ?? "Default" } : { id };
