import { changed, sessionStep } from "../../lib/steps/session-step.ts";

/**
 * State CloseSession: gives the hosts free and ends the session. A host that failed stays out of
 * service; its row says why.
 */
export const handler = sessionStep(async ({ sessions, owners, ref, now, session, hosts }) => {
  await owners.release(
    session.session_id,
    hosts.map(({ device_id }) => device_id),
  );
  await sessions.closeAs(ref, (seen) => changed(seen, { closed_at: now }, hosts, now));
  return { next: "ended" };
});
