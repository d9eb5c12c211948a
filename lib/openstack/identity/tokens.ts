import * as z from "zod";
import { InvalidTokenError } from "../errors.ts";
import { accepted, parseReply, readAgain, send } from "../http.ts";
import { httpTransport, type Transport } from "../transport.ts";
import { type Catalog, catalogSchema, identityUrl } from "./authenticate.ts";
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
export const validateToken = (keystone: Keystone, token: string): Promise<TokenOwner> =>
  showToken(keystone, token, "?nocatalog", ownerSchema);

const withCatalogSchema = z
  .object({ token: z.object({ catalog: catalogSchema.default([]) }) })
  .transform(({ token }) => token.catalog);

/** Where the token's services are, asked in the same way; empty for a token of no scope. */
export const catalogOf = (keystone: Keystone, token: string): Promise<Catalog> =>
  showToken(keystone, token, "", withCatalogSchema);

const showToken = async <S extends z.ZodType>(
  { authUrl, transport = defaultTransport }: Keystone,
  token: string,
  query: string,
  schema: S,
): Promise<z.infer<S>> => {
  if (!/^[\x21-\x7e]{1,8192}$/.test(token)) throw new InvalidTokenError();
  const url = `${identityUrl(authUrl)}/auth/tokens${query}`;
  const what = `GET ${url}`;
  const headers = { Accept: "application/json", "X-Auth-Token": token, "X-Subject-Token": token };
  // Some application managers say a thing once: one that is turned away counts as silent.
  const reply = await readAgain(TIMEOUT_MS, async (deadline) => {
    const timeoutMs = deadline - performance.now();
    const answer = await send({ transport }, what, { method: "GET", url, headers, timeoutMs });
    if (answer.status === 401 || answer.status === 404) throw new InvalidTokenError();
    return accepted(what, answer);
  });
  return parseReply(what, reply, schema).body;
};
