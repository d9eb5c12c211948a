import { randomUUID } from "node:crypto";
import { isActive } from "../../lib/domain/host-run.ts";
import { openGuard } from "../../lib/domain/plan/reserve.ts";
import { nextStep, type SessionStep } from "../../lib/domain/plan/session-step.ts";
import { type Capacity, readCapacity } from "../../lib/fleet/capacity.ts";
import { cloudIsUnwell } from "../../lib/steps/cloud-watch.ts";
import {
  type SessionContext,
  sessionStep,
  standstillOf,
  update,
  withFindings,
} from "../../lib/steps/session-step.ts";

type Dispatch = Extract<SessionStep, { next: "dispatch" }>;

/**
 * State DispatchHosts: gives the hosts that the plan starts now a run of their own, as far as
 * Placement says that enough room is left in their zone.
 */
export const handler = sessionStep(async (context) => {
  const { now, seq, session, hosts } = context;
  const standstill = await standstillOf(context);
  const wanted = nextStep(session, hosts, now, { standstill });
  if (wanted.next !== "dispatch") return { next: "plan" };
  const capacity = await capacityFor(context, wanted);
  if (capacity === null) return { next: "plan" };

  const guard = openGuard(session, hosts, capacity.rooms);
  const step = nextStep(session, hosts, now, { standstill, guard, isDown: capacity.isDown });
  if (step.next !== "dispatch" && step.next !== "await") return { next: "plan" };
  if (step.next === "dispatch" && !(await dispatch(context, step))) return { next: "plan" };
  await update(context, (seen) => withFindings(seen, step.brakes));
  return { next: "await", seconds: step.seconds, seq };
});

/** @returns null when the cloud is unwell, which has been written down */
const capacityFor = async (
  context: SessionContext,
  { start, cordon }: Dispatch,
): Promise<Capacity | null> => {
  const { session, hosts, inventory, owners, cloud, now } = context;
  const wanted = new Set([...start, ...cordon, ...hosts.filter(isActive)].map(({ host }) => host));
  const zones = new Set([...start, ...cordon].map(({ place }) => place.zone));
  const devices = [...(await inventory.byName(session.region)).values()].filter(
    ({ gone, zone }) => !gone && zones.has(zone),
  );
  const owned = await owners.owners(devices.map(({ id }) => id));
  const fleet = { devices, owners: owned, sessionId: session.session_id, wanted };
  try {
    return await readCapacity(await cloud(), fleet);
  } catch (error) {
    const host = [...wanted][0] ?? "";
    if ((await cloudIsUnwell(context, error, { host, now })) === null) throw error;
    return null;
  }
};

/** @returns whether every host was still as planned */
const dispatch = async (
  { hostRuns, ref, now }: SessionContext,
  { start, cordon }: Dispatch,
): Promise<boolean> => {
  const begun: boolean[] = [];
  for (const run of start)
    begun.push(
      await (run.phase === "WAITING"
        ? hostRuns.start(run, randomUUID(), ref, now)
        : hostRuns.admit(run, ref, now)),
    );
  for (const run of cordon)
    begun.push(await hostRuns.start(run, randomUUID(), ref, now, { cordon: true }));
  return begun.every(Boolean);
};
