import type { Session } from "../domain/session.ts";
import { chunked } from "../store/batch-get.ts";
import type { SessionProjectStore } from "../store/session-projects.ts";

/** Rows written at once. */
const AT_ONCE = 20;
/** Instances that one write adds. */
const MOST_AT_ONCE = 1_000;

type Owned = { readonly id: string; readonly project_id: string | null };

/**
 * Lets the projects of these instances see the session, before they are told of it: whoever looks at
 * the word of the event finds something. A run that dies in between tells them when it goes on.
 */
export const noteProjects = async (
  sessionProjects: SessionProjectStore,
  { session_id, created_at }: Pick<Session, "session_id" | "created_at">,
  instances: readonly Owned[],
): Promise<void> => {
  const writes = [...Map.groupBy(instances, ({ project_id }) => project_id)].flatMap(
    ([project_id, owned]) =>
      project_id === null
        ? []
        : chunked(owned, MOST_AT_ONCE).map((some) => ({
            schema: 1 as const,
            session_id,
            project_id,
            created_at,
            instance_ids: some.map(({ id }) => id),
          })),
  );
  for (const chunk of chunked(writes, AT_ONCE))
    await Promise.all(chunk.map((project) => sessionProjects.add(project)));
};
