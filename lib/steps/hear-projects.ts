import { type Ask, heardIn, hearingOf } from "../domain/dialogue/ask.ts";
import type { Heard } from "../domain/dialogue/asking.ts";
import type { SessionContext } from "./session-step.ts";

type Name = Pick<Ask, "project_id" | "ask_id">;

/**
 * What the projects that were asked have said by now; what is settled is closed.
 *
 * @returns `until` = when to listen again at the latest; null once all have answered or had their time
 */
export const hearProjects = async (
  context: SessionContext,
  names: readonly Name[],
): Promise<{ readonly answers: Heard[]; readonly until: string | null }> => {
  const { asks, session, now } = context;
  const asked = await asks.getAll(session.session_id, names);
  const wellSince = await context.health.wellSince(now);
  const answers = await Promise.all(
    asked.map(async (ask): Promise<Heard> => {
      if (ask.closed_at !== null) return { ask, hearing: heardIn(ask) };
      const reach = await context.audience.reachOf(ask);
      const hearing = hearingOf(ask, { now, wellSince, reach });
      if (hearing.kind === "open" || (await asks.close(ask, hearing.kind, now)))
        return { ask, hearing };
      // Somebody answered in this very moment.
      return { ask, hearing: { kind: "open", until: now } };
    }),
  );
  const open = answers.flatMap(({ hearing }) => (hearing.kind === "open" ? [hearing.until] : []));
  return { answers, until: open.toSorted()[0] ?? null };
};
