import { entering } from "../../lib/domain/host-run.ts";
import { serversOn } from "../../lib/fleet/guests.ts";
import { noticesOf } from "../../lib/fleet/notices.ts";
import { computeServiceOf } from "../../lib/fleet/services.ts";
import { hostStep } from "../../lib/steps/host-step.ts";
import { noteMove } from "../../lib/steps/note-move.ts";
import { noteProjects } from "../../lib/steps/note-projects.ts";

/** Events that one transaction takes next to the host's row and its fence. */
const AT_ONCE = 20;

/**
 * State AskOwners: tells each project with instances on the host that they will be moved now. No
 * project can answer yet, so only the session's policies say what may interrupt an instance.
 */
export const handler = hostStep("ASKING", async (context) => {
  const { save, now, session } = context;
  const cloud = await context.cloud();
  // Throws while the cell does not answer: its list would silently be empty.
  await computeServiceOf(cloud, context.run.host);
  const servers = await serversOn(cloud, context.run.host);
  await noteProjects(context, servers);
  const run = { ...context.run, sequence: context.run.sequence + 1 };
  const notices = noticesOf(session, run, servers);
  for (let first = 0; first < notices.length; first += AT_ONCE)
    await save(context.run, notices.slice(first, first + AT_ONCE));
  for (const server of servers) await noteMove(context, server, {});
  const total = servers.length;
  return {
    run: { ...entering(run, "MOVING", now), instances_total: total, instances_left: total },
  };
});
