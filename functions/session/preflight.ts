import type { Finding } from "../../lib/domain/errors.ts";
import type { Attention } from "../../lib/domain/session.ts";
import { inspect } from "../../lib/fleet/inspection.ts";
import { changed, sessionStep } from "../../lib/steps/session-step.ts";

/** Findings kept with the session; the rest are counted. */
const MOST_FINDINGS = 50;

/**
 * State Preflight: names what is known to stop the session, before anything is touched. A session
 * that is blocked here ends, so that nobody waits for a window that cannot work.
 */
export const handler = sessionStep(async (context) => {
  const { cloud, sessions, inventory, owners, ref, now, session, hosts } = context;
  const devices = await inventory.byName(session.region);
  const owned = await owners.owners([...devices.values()].map(({ id }) => id));
  const fleet = { devices, owners: owned };
  const { findings, summary } = await inspect(await cloud(), session, fleet, now);
  const fields = {
    preflight_at: now,
    instances_total: summary.instances_total,
    preflight: summary,
    attention: attentionTo(findings, now),
  };
  await sessions.changeAs(ref, (seen) => changed(seen, fields, hosts, now));
  return { next: "plan", blocked: findings.length };
});

const attentionTo = (findings: readonly Finding[], now: string): Attention[] => {
  const toldAt = (host: string | null, instance: string | null, message: string): Attention => ({
    code: "preflight_blocked",
    host,
    instance,
    since: now,
    message,
    what_happens_next: "the session ends without touching anything; cure it and create it anew",
  });
  const told = findings.slice(0, MOST_FINDINGS).map(({ path, code, message }) => {
    const [host = "", instance = null] = path.split("/");
    return toldAt(host === "" ? null : host, instance, `${code}: ${message}`);
  });
  const more = findings.length - told.length;
  return more === 0
    ? told
    : [...told, toldAt(null, null, `${more} more findings; cure the ones above first`)];
};
