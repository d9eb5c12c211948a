import { createHash } from "node:crypto";
import { UnauthorizedError } from "../domain/errors.ts";
import { InvalidTokenError } from "../openstack/errors.ts";
import type { TokenOwner } from "../openstack/identity/token-body.ts";
import { type Keystone, validateToken } from "../openstack/identity/tokens.ts";

/** Who a policy speaks of. Every user of a cloud has role `reader`, so it alone opens nothing. */
export type Persona =
  | "fleet_admin"
  | "fleet_reader"
  | "project_member"
  /** A member that may do more than look. */
  | "project_writer"
  | "break_glass";

export type Principal = {
  readonly user: string;
  readonly name: string;
  readonly projectId: string | null;
  readonly personas: ReadonlySet<Persona>;
};

export type PersonaRules = {
  readonly adminRole: string;
  /** A role that opens the whole fleet for reading; null = only readers of the whole system. */
  readonly readerRole: string | null;
};

/** How long a token's owner is remembered: a revoked token is refused this much later. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 1_000;

/** The personas of a token: fleet personas need a configured role, or the whole system's reader. */
export const principalOf = (owner: TokenOwner, rules: PersonaRules): Principal => {
  const personas = new Set<Persona>();
  const has = (role: string | null) => role !== null && owner.roles.includes(role);
  if (has(rules.adminRole)) personas.add("fleet_admin");
  if (has(rules.readerRole) || (owner.system && has("reader"))) personas.add("fleet_reader");
  if (owner.project !== null) personas.add("project_member");
  if (
    owner.project !== null &&
    owner.roles.some((role) => role !== "reader" && role !== rules.readerRole)
  )
    personas.add("project_writer");
  return {
    user: owner.user.id,
    name: owner.user.name,
    projectId: owner.project?.id ?? null,
    personas,
  };
};

/**
 * Tells who a token speaks for, by Keystone's word, asked with the token itself: this side holds
 * no credential.
 */
export const authenticator = (keystone: Keystone, rules: PersonaRules) => {
  const remembered = new Map<string, { readonly principal: Principal; readonly until: number }>();

  /** @throws UnauthorizedError without a token that Keystone accepts */
  return async (token: string | undefined, nowMs: number): Promise<Principal> => {
    if (!token) throw new UnauthorizedError("send a Keystone token in X-Auth-Token");
    const key = createHash("sha256").update(token).digest("base64");
    const known = remembered.get(key);
    if (known && known.until > nowMs) return known.principal;
    const owner = await validated(keystone, token);
    const principal = principalOf(owner, rules);
    const until = Math.min(nowMs + REMEMBERED_MS, Date.parse(owner.expires_at));
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(key, { principal, until });
    return principal;
  };
};

const validated = async (keystone: Keystone, token: string): Promise<TokenOwner> => {
  try {
    return await validateToken(keystone, token);
  } catch (error) {
    if (error instanceof InvalidTokenError) throw new UnauthorizedError(error.message);
    throw error;
  }
};
