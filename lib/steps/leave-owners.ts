import { chunked } from "../store/batch-get.ts";
import type { HostContext } from "./host-step.ts";
import { endImpacts } from "./impacts.ts";
import { endStatusLinks } from "./status-links.ts";

/** Asks closed at once. */
const AT_ONCE = 20;

/**
 * Ends what a host's run has open with owners, because it is over: nobody is impacted by it any
 * more, no status link leads here, and what was asked and not answered needs no answer. Safe to
 * repeat.
 */
export const leaveOwners = async (
  context: Pick<
    HostContext,
    "asks" | "cloud" | "intents" | "moves" | "now" | "ref" | "run" | "session" | "settings"
  >,
): Promise<void> => {
  const { asks, intents, moves, session, run, ref, now } = context;
  const made = await intents.list(ref.run_id);
  const wasStopped = ({ instance_id }: { readonly instance_id: string | null }) =>
    run.stopped.includes(instance_id ?? "");
  await endImpacts(context, made.filter(wasStopped), "done");
  await endImpacts(
    context,
    made.filter((one) => !wasStopped(one)),
    "refused",
  );
  await endStatusLinks(context, made);
  const asked = (await moves.listByHost(session.session_id, run.host)).flatMap(
    ({ asked_by, project_id, ask_id }) =>
      asked_by === ref.run_id && ask_id !== null ? [{ project_id, ask_id }] : [],
  );
  const open = (await asks.getAll(session.session_id, asked)).filter(
    ({ closed_at }) => closed_at === null,
  );
  for (const chunk of chunked(open, AT_ONCE))
    await Promise.all(chunk.map((ask) => asks.close(ask, "withdrawn", now)));
};
