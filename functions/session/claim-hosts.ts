import { placeOf } from "../../lib/domain/device.ts";
import { claimHost } from "../../lib/domain/host-run.ts";
import { isBlockedByOwner } from "../../lib/domain/session.ts";
import { changed, sessionStep, withAttention } from "../../lib/steps/session-step.ts";

/** How long a session waits before it tries again for hosts that another session owns. */
const RETRY_SECONDS = 60;

/**
 * State ClaimHosts: makes the session the owner of its hosts. While another session owns one of
 * them this one waits, and says for which.
 */
export const handler = sessionStep(
  async ({ sessions, inventory, owners, hostRuns, ref, now, seq, session }) => {
    const devices = await inventory.findByNames(session.region, session.hosts);
    const plugins = session.actions.map(({ plugin }) => plugin);
    const claims = session.hosts.map((host) => {
      const device = devices.get(host);
      if (device === undefined) throw new Error(`${host} has left the inventory; sync it`);
      return claimHost({
        sessionId: session.session_id,
        host,
        deviceId: device.id,
        place: placeOf(device),
        plugins,
        now,
      });
    });
    const refused = await owners.claim(ref, claims);
    const runs = await hostRuns.list(session.session_id);
    if (refused.length === 0) {
      await sessions.changeAs(ref, (seen) =>
        changed(
          seen,
          { claimed_at: now, attention: seen.attention.filter((item) => !isBlockedByOwner(item)) },
          runs,
          now,
        ),
      );
      return { next: "plan" };
    }
    const attention = refused.reduce(
      (known, { host }) =>
        withAttention(known, {
          code: "host_owned",
          host,
          instance: null,
          since: now,
          message: `another session owns ${host}`,
          what_happens_next: "this session starts as soon as the other one has ended",
        }),
      session.attention.filter(
        (item) => !isBlockedByOwner(item) || refused.some(({ host }) => host === item.host),
      ),
    );
    if (JSON.stringify(attention) !== JSON.stringify(session.attention))
      await sessions.changeAs(ref, (seen) => changed(seen, { attention }, runs, now));
    return { next: "await", seconds: RETRY_SECONDS, seq };
  },
);
