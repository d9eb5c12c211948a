import type { Finding } from "../domain/errors.ts";
import type { Candidate } from "../domain/preflight.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { getServer } from "../openstack/compute/servers.ts";
import { isNotFound, OpenStackError } from "../openstack/errors.ts";
import { serversOn } from "./guests.ts";

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

/**
 * Nova lists the servers of all projects to whom its policy lets, and yet answers 404 for each of them
 * to whom it does not take for an admin: then nothing could be moved.
 */
export const findBlindness = async (
  cloud: Cloud,
  candidates: readonly Candidate[],
): Promise<Finding[]> => {
  const seen = candidates.find(({ guests }) => guests.length > 0);
  const [guest] = seen?.guests ?? [];
  if (seen === undefined || guest === undefined) return [];
  try {
    await getServer(cloud.compute, guest.id);
    return [];
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const still = await serversOn(cloud, seen.host);
    if (!still.some(({ id }) => id === guest.id)) return [];
    return [
      {
        path: `${seen.host}/${guest.id}`,
        code: "credential_lacks",
        message:
          "Nova lists this instance and answers 404 when asked for it; name the role of the engine's user in the policy rule context_is_admin",
      },
    ];
  }
};
