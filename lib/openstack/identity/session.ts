import { TransientOpenStackError } from "../errors.ts";
import type { IssuedToken } from "./authenticate.ts";

/** The token in force; naming one that was refused makes a new one. */
export type Session = (refused?: string) => Promise<IssuedToken>;

/** A token is replaced this long before it expires, so that it does not expire under way. */
const EXPIRY_MARGIN_MS = 60_000;

/** Keeps one token; callers that need a new one at the same time share it. */
export const tokenKeeper = (issue: () => Promise<IssuedToken>): Session => {
  let kept: { readonly issued: IssuedToken; readonly until: number } | undefined;
  let pending: Promise<IssuedToken> | undefined;
  const renew = async () => {
    const asked = performance.now();
    const issued = await issue();
    kept = { issued, until: asked + issued.lifetimeMs - EXPIRY_MARGIN_MS };
    return issued;
  };
  return async (refused) => {
    if (kept && kept.issued.token !== refused && performance.now() < kept.until) return kept.issued;
    pending ??= retryOnce(renew).finally(() => {
      pending = undefined;
    });
    return pending;
  };
};

/** Asking for a token changes nothing, so a lost connection is worth a second try. */
const retryOnce = async <T>(attempt: () => Promise<T>): Promise<T> => {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof TransientOpenStackError) || error.sent) throw error;
    return attempt();
  }
};
