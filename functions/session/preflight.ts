import type { Finding } from "../../lib/domain/errors.ts";
import { blockersOf } from "../../lib/domain/preflight.ts";
import type { Attention, Policies } from "../../lib/domain/session.ts";
import { groupsOf, serversOn, toGuest, vnicTypesOn } from "../../lib/fleet/guests.ts";
import { isKnown } from "../../lib/fleet/services.ts";
import type { Cloud } from "../../lib/openstack/cloud.ts";
import { listHypervisors } from "../../lib/openstack/compute/hypervisors.ts";
import { listServices } from "../../lib/openstack/compute/services.ts";
import { changed, sessionStep } from "../../lib/steps/session-step.ts";

/** Hosts looked at at once: enough to be quick, few enough for Nova not to notice. */
const AT_ONCE = 8;
/** Findings kept with the session; the rest are counted. */
const MOST_FINDINGS = 50;

/**
 * State Preflight: names what is known to stop the session, before anything is touched. A session
 * that is blocked here ends, so that nobody waits for a window that cannot work.
 */
export const handler = sessionStep(async ({ cloud, sessions, ref, now, session, hosts }) => {
  const { findings, instances } = await inspect(await cloud(), session.hosts, session.policies);
  const attention: Attention[] = findings.slice(0, MOST_FINDINGS).map(({ path, code, message }) => {
    const [host = path, instance = null] = path.split("/");
    return {
      code: "preflight_blocked",
      host,
      instance,
      since: now,
      message: `${code}: ${message}`,
      what_happens_next: "the session ends without touching anything; cure it and create it anew",
    };
  });
  if (findings.length > MOST_FINDINGS)
    attention.push({
      code: "preflight_blocked",
      host: null,
      instance: null,
      since: now,
      message: `${findings.length - MOST_FINDINGS} more findings of the same kind`,
      what_happens_next: "cure the ones above and create the session anew",
    });
  await sessions.changeAs(ref, (seen) =>
    changed(seen, { preflight_at: now, instances_total: instances, attention }, hosts, now),
  );
  return { next: "plan", blocked: findings.length };
});

type Inspection = { readonly findings: Finding[]; readonly instances: number };

const inspect = async (
  cloud: Cloud,
  names: readonly string[],
  policies: Policies,
): Promise<Inspection> => {
  const [services, hypervisors, groups] = await Promise.all([
    listServices(cloud.compute, { binary: "nova-compute" }),
    listHypervisors(cloud.compute),
    groupsOf(cloud),
  ]);
  const look = async (host: string): Promise<Finding[]> => {
    const service = services.find((known) => known.host === host);
    const hypervisor = hypervisors.find((known) => known.service.host === host);
    const [servers, vnicTypes] = await Promise.all([
      serversOn(cloud, host),
      vnicTypesOn(cloud, host),
    ]);
    instances += servers.length;
    return blockersOf(
      {
        host,
        state: service && isKnown(service) ? service.state : null,
        hypervisorType: hypervisor?.hypervisor_type ?? "",
        guests: servers.map((server) => toGuest(server, { vnicTypes, groups })),
      },
      policies,
    );
  };
  let instances = 0;
  const findings: Finding[] = [];
  for (let first = 0; first < names.length; first += AT_ONCE) {
    const batch = names.slice(first, first + AT_ONCE);
    findings.push(...(await Promise.all(batch.map(look))).flat());
  }
  return { findings, instances };
};
