import type { Server } from "../openstack/compute/servers.ts";
import { chunked } from "../store/batch-get.ts";
import type { HostContext } from "./host-step.ts";

/** Rows written at once. */
const AT_ONCE = 20;

/**
 * Lets the projects of these servers see the session, before they are told of it: whoever looks at
 * the word of the event finds something. A run that dies in between tells them when it goes on.
 */
export const noteProjects = async (
  { sessionProjects, session: { session_id, created_at } }: HostContext,
  servers: readonly Server[],
): Promise<void> => {
  const ids = [...new Set(servers.flatMap(({ project_id }) => project_id ?? []))];
  for (const chunk of chunked(ids, AT_ONCE))
    await Promise.all(
      chunk.map((project_id) =>
        sessionProjects.add({ schema: 1, session_id, project_id, created_at }),
      ),
    );
};
