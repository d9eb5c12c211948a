import {
  attentionTo,
  isLookedThrough,
  nextHosts,
  withRound,
} from "../../lib/domain/preflight-round.ts";
import { inspect } from "../../lib/fleet/inspection.ts";
import { listeningForRoom } from "../../lib/steps/ask-for-room.ts";
import { noteProjects } from "../../lib/steps/note-projects.ts";
import { changed, sessionStep } from "../../lib/steps/session-step.ts";

/**
 * State Preflight: names what is known to stop the session, before anything is touched; a large
 * session takes several rounds of it. A session that is blocked here ends, so that nobody waits for
 * a window that cannot work.
 */
export const handler = sessionStep(async (context) => {
  const { cloud, sessions, sessionProjects, inventory, owners, ref, now, session, hosts } = context;
  const devices = await inventory.byName(session.region);
  const owned = await owners.owners([...devices.values()].map(({ id }) => id));
  const fleet = { devices, owners: owned };
  const askable = (projects: readonly string[]) => listeningForRoom(context, projects);
  const round = await inspect(await cloud(), session, nextHosts(session), fleet, askable, now);
  await noteProjects(sessionProjects, session, round.owned);
  const seen = withRound(session, round);
  const fields = isLookedThrough(session, seen)
    ? {
        preflight_at: now,
        instances_total: seen.instances_total,
        // From now on they are the session's attention.
        preflight: { ...seen, findings: [] },
        attention: attentionTo(seen, now),
      }
    : { preflight: seen };
  await sessions.changeAs(ref, (row) => changed(row, fields, hosts, now));
  return { next: "plan", found: seen.findings_total };
});
