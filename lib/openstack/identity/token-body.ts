import * as z from "zod";

const named = z.object({ id: z.string(), name: z.string() });

/** Who a token speaks for. */
export type TokenOwner = {
  readonly user: {
    readonly id: string;
    readonly name: string;
    /** In UTC, with or without a zone as Keystone writes it; null or absent: never. */
    readonly password_expires_at?: string | null | undefined;
  };
  /** null when the token is scoped to the system, a domain or nothing. */
  readonly project: { readonly id: string; readonly name: string } | null;
  /** Whether the token is scoped to the whole system. */
  readonly system: boolean;
  /** Role names in that scope. Implied roles are included: an admin is also member and reader. */
  readonly roles: readonly string[];
  /** RFC 3339. */
  readonly expires_at: string;
  /** The application credential it was got with, if it was. */
  readonly application_credential_id: string | null;
};

/** The body of a token, new or validated, as far as it tells whose it is. */
export const ownerSchema = z
  .object({
    token: z.object({
      user: named.extend({ password_expires_at: z.string().nullish() }),
      project: named.nullish(),
      system: z.object({ all: z.boolean().optional() }).nullish(),
      roles: z.array(z.object({ name: z.string() })).default([]),
      expires_at: z.string(),
      application_credential: z.object({ id: z.string() }).nullish(),
    }),
  })
  .transform(
    ({ token }): TokenOwner => ({
      user: token.user,
      project: token.project ?? null,
      system: token.system?.all === true,
      roles: token.roles.map((role) => role.name),
      expires_at: token.expires_at,
      application_credential_id: token.application_credential?.id ?? null,
    }),
  );
