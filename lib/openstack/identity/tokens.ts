import { InvalidTokenError } from "../errors.ts";
import { accepted, parseReply, send } from "../http.ts";
import { httpTransport, type Transport } from "../transport.ts";
import { identityUrl } from "./authenticate.ts";
import { ownerSchema, type TokenOwner } from "./token-body.ts";

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
  return parseReply(what, accepted(what, reply), ownerSchema).body;
};
