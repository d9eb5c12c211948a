import { type HostRun, isActive } from "../../lib/domain/host-run.ts";
import { windowOver } from "../../lib/domain/plan/brakes.ts";
import { awaitsTurn } from "../../lib/domain/plan/canary.ts";
import { isClosed, type Session } from "../../lib/domain/session.ts";
import { changed, sessionStep, withFindings } from "../../lib/steps/session-step.ts";

/**
 * State CloseSession: gives the hosts free and ends the session. A host that failed stays out of
 * service; its row says why. A session that somebody changed meanwhile, by starting a host of it
 * again, say, is not closed but looked at anew.
 */
export const handler = sessionStep(async ({ sessions, owners, ref, now, session, hosts }) => {
  if (hosts.some(isActive)) return { next: "plan" };
  const devices = hosts.map(({ device_id }) => device_id);
  if (!(await owners.release(session.session_id, devices, session))) return { next: "plan" };
  const last = await sessions.closeAs(ref, (seen) =>
    seen.sequence === session.sequence
      ? changed(
          seen,
          { ...withFindings(seen, untouched(seen, hosts, now)), closed_at: now },
          hosts,
          now,
        )
      : null,
  );
  return { next: isClosed(last) ? "ended" : "plan" };
});

/** What is told of hosts whose turn did not come before the last window closed. */
const untouched = (session: Session, hosts: readonly HostRun[], now: string) =>
  session.control !== "aborting" && hosts.some(awaitsTurn) ? [windowOver(null, now)] : [];
