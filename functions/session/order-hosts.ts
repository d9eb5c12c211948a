import { type Agenda, agendaOf, type Ways } from "../../lib/domain/plan/agenda.ts";
import { bestPlans } from "../../lib/domain/plan/forecast.ts";
import { logger } from "../../lib/lambda/logger.ts";
import { cloudIsUnwell } from "../../lib/steps/cloud-watch.ts";
import { readForPlan } from "../../lib/steps/plan-ahead.ts";
import { type SessionContext, sessionStep } from "../../lib/steps/session-step.ts";

/**
 * State OrderHosts: plans the session from where it is, so that it takes its hosts in the best order
 * that was found, and knows where their instances are best moved. No session is stopped by its
 * planner: that it is about to plan was put down before, so that whatever becomes of it the session
 * goes on by its last plan, or by name.
 */
export const handler = sessionStep(async (context) => {
  const { agendas, ref, session } = context;
  const begun = await agendas.get(session.session_id);
  if (begun === null || begun.took_seconds !== null) return { next: "plan" };
  const { agenda, ways } = await planned(context, begun);
  await agendas.put(ref, agenda, ways);
  return { next: "plan" };
});

type Planned = { readonly agenda: Agenda; readonly ways: readonly Ways[] };

const planned = async (context: SessionContext, begun: Agenda): Promise<Planned> => {
  const { session, now } = context;
  const from = Date.now();
  try {
    const { snapshot, runs } = await readForPlan(context, session, now);
    const plan = bestPlans(snapshot)[session.objective];
    return agendaOf(plan, snapshot.cluster, { begun, runs, now, tookSeconds: secondsSince(from) });
  } catch (error) {
    await cloudIsUnwell(context, error, { host: session.hosts[0] ?? "", now });
    logger.error("a session could not be planned", { session_id: session.session_id, error });
    const failed = error instanceof Error ? error.message : String(error);
    return { agenda: { ...begun, failed, took_seconds: secondsSince(from) }, ways: [] };
  }
};

const secondsSince = (from: number): number => (Date.now() - from) / 1000;
