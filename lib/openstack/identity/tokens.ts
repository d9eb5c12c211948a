import * as z from "zod";
import { InvalidTokenError } from "../errors.ts";
import { accepted, parseReply, send } from "../http.ts";
import { httpTransport, type Transport } from "../transport.ts";
import { identityUrl } from "./authenticate.ts";

const named = z.object({ id: z.string(), name: z.string() });

const validatedSchema = z.object({
  token: z.object({
    user: named,
    project: named.nullish(),
    system: z.object({ all: z.boolean().optional() }).nullish(),
    roles: z.array(z.object({ name: z.string() })).default([]),
    expires_at: z.string(),
  }),
});

/** Who a token speaks for. */
export type TokenOwner = {
  readonly user: { readonly id: string; readonly name: string };
  /** null when the token is scoped to the system, a domain or nothing. */
  readonly project: { readonly id: string; readonly name: string } | null;
  /** Whether the token is scoped to the whole system. */
  readonly system: boolean;
  /** Role names in that scope. Implied roles are included: an admin is also member and reader. */
  readonly roles: readonly string[];
  /** RFC 3339. */
  readonly expires_at: string;
};

/** Where Keystone is. `transport` carries certificates; a plain one is used when absent. */
export type Keystone = { readonly authUrl: string; readonly transport?: Transport };

const TIMEOUT_MS = 10_000;
const defaultTransport = httpTransport();

/**
 * GET /v3/auth/tokens with the token as its own proof, so that no credential of ours is needed:
 * https://docs.openstack.org/api-ref/identity/v3/#validate-and-show-information-for-token
 *
 * @throws InvalidTokenError when Keystone does not know the token
 * @throws TransientOpenStackError when Keystone could not say
 */
export const validateToken = async (
  { authUrl, transport = defaultTransport }: Keystone,
  token: string,
): Promise<TokenOwner> => {
  if (!/^[\x21-\x7e]{1,8192}$/.test(token)) throw new InvalidTokenError();
  const url = `${identityUrl(authUrl)}/auth/tokens?nocatalog`;
  const what = `GET ${url}`;
  const reply = await send({ transport }, what, {
    method: "GET",
    url,
    headers: { Accept: "application/json", "X-Auth-Token": token, "X-Subject-Token": token },
    timeoutMs: TIMEOUT_MS,
  });
  if (reply.status === 401 || reply.status === 404) throw new InvalidTokenError();
  const { token: found } = parseReply(what, accepted(what, reply), validatedSchema).body;
  return {
    user: { id: found.user.id, name: found.user.name },
    project: found.project ? { id: found.project.id, name: found.project.name } : null,
    system: found.system?.all === true,
    roles: found.roles.map((role) => role.name),
    expires_at: found.expires_at,
  };
};
