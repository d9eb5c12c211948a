import { type Agenda, beginAgenda } from "../domain/plan/agenda.ts";
import type { SessionContext } from "./session-step.ts";

/**
 * Puts down that the session is about to be planned, and goes on to state OrderHosts. It is done here
 * and not there, so that a planner that cannot even be started stops no session.
 */
export const beginOrdering = async (
  { agendas, ref, session, now }: SessionContext,
  agenda: Agenda | null,
): Promise<{ readonly next: "order" }> => {
  await agendas.put(ref, beginAgenda(agenda, { sessionId: session.session_id, now }));
  return { next: "order" };
};
