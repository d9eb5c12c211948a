import type { Finding } from "../domain/errors.ts";
import { OpenStackError } from "../openstack/errors.ts";

/** Reads for which a lacking permission is something found, and not a failure. */
export type Reader = {
  readonly read: <T>(ask: () => Promise<T>, otherwise: T) => Promise<T>;
  /** One for each kind of call that was forbidden, however often it was tried. */
  readonly lacking: () => Finding[];
};

const FORBIDDEN = 403;

export const openReader = (): Reader => {
  const found = new Map<string, Finding>();
  return {
    read: async (ask, otherwise) => {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof OpenStackError) || error.status !== FORBIDDEN) throw error;
        const call = error.message.split(/[?:]/)[0] ?? error.message;
        found.set(call, {
          path: "",
          code: "credential_lacks",
          message: `${error.message}; give the engine's user the role that may do this`,
        });
        return otherwise;
      }
    },
    lacking: () => [...found.values()],
  };
};
