import { entering, leavingForHuman } from "../../lib/domain/host-run.ts";
import { secondsInPhase } from "../../lib/domain/standstill.ts";
import { computeServiceOf } from "../../lib/fleet/services.ts";
import { listAggregates, removeHostFromAggregate } from "../../lib/openstack/compute/aggregates.ts";
import { deleteService } from "../../lib/openstack/compute/services.ts";
import { isNotFound, OpenStackError } from "../../lib/openstack/errors.ts";
import { deleteAgent, listAgents } from "../../lib/openstack/network/agents.ts";
import { findProvider } from "../../lib/openstack/placement/resource-providers.ts";
import { makeEffect } from "../../lib/steps/effect.ts";
import { type HostContext, type HostFinding, hostStep } from "../../lib/steps/host-step.ts";

/**
 * State RetireHost: makes the cloud forget a host that does not come back. Nova-compute has to be
 * stopped first, by whoever works on the host: while it runs it registers itself anew.
 */
export const handler = hostStep("RETIRING", async (context) => {
  const { now, run, settings } = context;
  const why = await retire(context).catch(wordsOnRefusal);
  if (why === null)
    return { run: { ...entering(run, "FINISHED", now), outcome: "retired", finished_at: now } };
  if (secondsInPhase(run, now) >= settings.LULL_VERIFY_MINUTES * 60)
    return { run: leavingForHuman(run, now, `not retired: ${why}`) };
  return waiting(context, why);
});

const waiting = ({ run, settings }: HostContext, trouble: string): HostFinding => ({
  run: { ...run, trouble },
  wait: "poll",
  seconds: settings.LULL_POLL_SECONDS,
});

/** Deletes what the cloud knows of the host. @returns why that cannot be done yet; null when nothing is left */
const retire = async (context: HostContext): Promise<string | null> => {
  const { run } = context;
  const cloud = await context.cloud();
  const service = await computeServiceOf(cloud, run.host);
  if (service?.state === "up") return "nova-compute still runs there; stop it for good";
  for (const { id, hosts } of await listAggregates(cloud.compute))
    if (hosts.includes(run.host))
      await makeEffect(context, `leave_aggregate#${id}`, (requestId) =>
        removeHostFromAggregate(cloud.compute, id, run.host, { requestId }),
      );
  for (const { id, agent_type, alive } of await listAgents(cloud.network, { host: run.host })) {
    if (alive) return `its ${agent_type} still runs; stop it for good`;
    await makeEffect(context, `delete_agent#${id}`, (requestId) =>
      deleteAgent(cloud.network, id, { requestId }).catch(fineIfGone),
    );
  }
  if (service !== null)
    await makeEffect(context, "delete_service", (requestId) =>
      deleteService(cloud.compute, service.id, { requestId }).catch(fineIfGone),
    );
  const provider = await findProvider(cloud.placement, run.host);
  return provider === undefined
    ? null
    : `Placement still has its provider ${provider.uuid}; when no allocation is left on it: openstack resource provider delete ${provider.uuid}`;
};

/** A refusal is no failure of ours: people see it, and its time counts. */
const wordsOnRefusal = (error: unknown): string => {
  if (error instanceof OpenStackError) return error.message;
  throw error;
};

const fineIfGone = (error: unknown): void => {
  if (!isNotFound(error)) throw error;
};
