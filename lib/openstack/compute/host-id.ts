import { createHash } from "node:crypto";

/**
 * What Nova shows a project as `hostId` in place of a host's name; empty where there is no host.
 *
 * @see nova.utils.generate_hostid
 */
export const hostIdOf = (projectId: string, host: string): string =>
  host === ""
    ? ""
    : createHash("sha224")
        .update(projectId + host)
        .digest("hex");
