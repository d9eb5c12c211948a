import { movabilityOf } from "../domain/instances.ts";
import { type Intent, type SeenMigration, verdictOn } from "../domain/move.ts";
import { factsOf, toGuest } from "../fleet/guests.ts";
import { newestMigration } from "../fleet/migrations.ts";
import type { Server } from "../openstack/compute/servers.ts";
import type { HostContext } from "./host-step.ts";
import { callMigrate, noteMove } from "./start-move.ts";

/**
 * Asks Nova what became of each move that was begun and not yet settled, and settles it.
 *
 * An intent that Nova shows no migration for was stored but its call never took effect: the
 * process died in between, or the answer was lost before Nova acted. It is called again under the
 * same intent; if the first call were still on its way, Nova refuses the second with 409.
 *
 * @param stopping no move may begin any more: what was not called yet never will be
 * @returns the instances that are on their way, and how often each has been tried in this run
 */
export const judgeMoves = async (
  context: HostContext,
  servers: readonly Server[],
  migrations: readonly SeenMigration[],
  stopping: boolean,
): Promise<{ underWay: Map<string, Intent>; tries: Map<string, number> }> => {
  const underWay = new Map<string, Intent>();
  const tries = new Map<string, number>();
  for (const intent of await context.intents.list(context.ref.run_id)) {
    if (intent.instance_id === null) continue;
    tries.set(intent.instance_id, (tries.get(intent.instance_id) ?? 0) + 1);
    if (intent.outcome !== null) continue;
    const server = servers.find(({ id }) => id === intent.instance_id);
    const look = { intent, server, migrations, stopping };
    if (!(await isSettled(context, look))) underWay.set(intent.instance_id, intent);
  }
  return { underWay, tries };
};

type Look = {
  readonly intent: Intent;
  readonly server: Server | undefined;
  readonly migrations: readonly SeenMigration[];
  readonly stopping: boolean;
};

const isSettled = async (
  context: HostContext,
  { intent, server, migrations, stopping }: Look,
): Promise<boolean> => {
  const { intents, now } = context;
  const verdict = verdictOn(intent, migrations);
  if (verdict === "moving") return false;
  if (verdict === "cancelled") {
    const details = "its move was cancelled by its owner or an admin; it is not begun again";
    await intents.finish(intent, "failed", now, details);
    if (server) await noteMove(context, server, { state: "blocked", vetoed: true, details });
    return true;
  }
  if (verdict === "failed") {
    const why = `Nova could not move it to ${intent.target}`;
    await intents.finish(intent, "failed", now, why);
    if (server)
      await noteMove(context, server, {
        state: "waiting",
        refuse: { host: intent.target, why },
        details: why,
      });
    return true;
  }
  if (verdict === "done" || server === undefined) {
    const outcome = verdict === "done" ? "done" : "gone";
    await intents.finish(intent, outcome, now);
    const state = outcome === "done" ? "moved" : "gone";
    // The note may be the first one: a run that died may have got as far as the intent only.
    const destination_host = outcome === "done" ? intent.target : null;
    await noteMove(context, intent, { state, destination_host, finished_at: now, details: null });
    // The list was read in the same moment and may still hold a server that has just left.
    return server === undefined;
  }
  return isUnseenSettled(context, intent, server, stopping);
};

/** The same for an intent that Nova shows no migration for, while its server is still on the host. */
const isUnseenSettled = async (
  context: HostContext,
  intent: Intent,
  server: Server,
  stopping: boolean,
): Promise<boolean> => {
  const cloud = await context.cloud();
  if ((await newestMigration(cloud, server.id)) > intent.newest_migration) return false;
  // Nova says `migrating` a while before the migration's row is there: the call was accepted.
  if (server.task_state !== null) return false;
  // Since the intent was stored, the session may have been aborted, or the owner may have acted.
  const guest = toGuest(server, await factsOf(cloud, context.run.host));
  if (stopping || movabilityOf(guest, context.session.policies).kind !== "live") {
    await context.intents.finish(intent, "refused", context.now, "never called");
    await noteMove(context, server, { state: "waiting", destination_host: null, details: null });
    return true;
  }
  return !(await callMigrate(context, intent, server.id));
};
