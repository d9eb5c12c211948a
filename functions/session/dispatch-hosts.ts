import { randomUUID } from "node:crypto";
import { type HostRun, isActive } from "../../lib/domain/host-run.ts";
import { awaitsTurn } from "../../lib/domain/plan/canary.ts";
import { takesPlace } from "../../lib/domain/plan/places.ts";
import { type Guard, openGuard, type Shortage } from "../../lib/domain/plan/reserve.ts";
import {
  type Circumstances,
  nextStep,
  type SessionStep,
} from "../../lib/domain/plan/session-step.ts";
import { shortfallOf, withPieces } from "../../lib/domain/plan/shortfall.ts";
import { type Capacity, readCapacity } from "../../lib/fleet/capacity.ts";
import { askForRoom } from "../../lib/steps/ask-for-room.ts";
import { beginOrdering } from "../../lib/steps/begin-ordering.ts";
import { type Look, openLook } from "../../lib/steps/can-be-emptied.ts";
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
  const agenda = await context.agendas.get(session.session_id);
  const wanted = nextStep(session, hosts, now, { standstill, agenda });
  if (wanted.next !== "dispatch") return { next: "plan" };
  const capacity = await capacityFor(context);
  if (capacity === null) return { next: "plan" };

  const step = await chosen(context, capacity, { standstill, agenda });
  if (step?.next === "order") return beginOrdering(context, agenda);
  if (step === null || (step.next !== "dispatch" && step.next !== "await")) return { next: "plan" };
  if (step.next === "dispatch" && !(await dispatch(context, step))) return { next: "plan" };
  await update(context, (seen) => withFindings(seen, step.brakes));
  return { next: "await", seconds: step.seconds, seq };
});

/** Hosts of which it is found out in one turn whether they can be emptied: a few calls each. */
const MOST_LOOKS = 8;

/**
 * What to start now. As long as a project may be asked for room, no host is begun that would not
 * fit; when nobody is left to ask, Nova has the word.
 *
 * @returns null when a project has just been asked for room
 */
const chosen = async (
  context: SessionContext,
  { rooms, isDown }: Capacity,
  circumstances: Pick<Circumstances, "standstill" | "agenda">,
): Promise<SessionStep | null> => {
  const { session, hosts, now } = context;
  const guard = (strict: boolean) => openGuard(session, hosts, rooms, { strict });
  const stepWith = (strict: boolean, misfits: readonly Shortage[] = []) =>
    nextStep(session, hosts, now, {
      ...circumstances,
      guard: guard(strict),
      isDown,
      misfits: new Set(misfits.map(({ host }) => host)),
    });
  if (session.reserve_hosts > 0) {
    const step = stepWith(false);
    if (!isHeldBack(step)) return step;
    const waiting = hosts.some(takesPlace) ? [] : hosts.filter(awaitsTurn);
    return orAskForRoom(
      context,
      step,
      shortagesIn(waiting, () => guard(false)),
      step,
    );
  }
  const misfits: Shortage[] = [];
  let look: Look | null = null;
  let strict = stepWith(true);
  while (misfits.length < MOST_LOOKS && mayGoOn(context, strict)) {
    look ??= await openLook(context, rooms);
    const found = await misfitsIn(strict, hosts, look);
    if (found.length === 0) return strict;
    misfits.push(...found);
    strict = stepWith(true, misfits);
  }
  if (misfits.length === 0 && !isHeldBack(strict)) return strict;
  // Of a zone whose hosts were looked at, what they lack says more than the sum.
  const looked = new Set(misfits.map(({ zone }) => zone));
  const others = shortagesOf(strict).filter(({ zone }) => !looked.has(zone));
  return orAskForRoom(context, strict, [...misfits, ...others], stepWith(false));
};

/** What each of the hosts lacks, were it the next to begin. */
const shortagesIn = (hosts: readonly HostRun[], open: () => Guard): Shortage[] =>
  hosts.flatMap((run) => {
    const refusal = open().start(run);
    return refusal === null || refusal === "unknown" ? [] : [refusal];
  });

const shortagesOf = (step: SessionStep): readonly Shortage[] =>
  step.next === "await" ? (step.shortages ?? []) : [];

/** Whether nothing starts only because of what is known, or not known, of the room there is. */
const isHeldBack = (step: SessionStep): boolean =>
  shortagesOf(step).length > 0 || (step.next === "await" && (step.unknown ?? []).length > 0);

/** Whether to look at what would start, or, while nothing is at work, at what its zone is too short for. */
const mayGoOn = ({ hosts }: SessionContext, step: SessionStep): boolean =>
  step.next === "dispatch" || (shortagesOf(step).length > 0 && !hosts.some(takesPlace));

/** The first host that would start and cannot be emptied, or else those whose zones are too short for them. */
const misfitsIn = async (
  step: SessionStep,
  hosts: readonly HostRun[],
  look: Look,
): Promise<Shortage[]> => {
  for (const run of step.next === "dispatch" ? step.start : []) {
    const misfit = await look(run);
    if (misfit !== null) return [misfit];
  }
  const short: Shortage[] = [];
  for (const shortage of shortagesOf(step)) {
    const run = hosts.find(({ host }) => host === shortage.host);
    short.push(withPieces(shortage, run === undefined ? null : await look(run)));
  }
  return short;
};

/** `step`, unless nothing is at work and room is short: then a project is asked, or else `otherwise` holds. */
const orAskForRoom = async (
  context: SessionContext,
  step: SessionStep,
  lacking: readonly Shortage[],
  otherwise: SessionStep,
): Promise<SessionStep | null> => {
  if (step.next !== "await" || context.hosts.some(takesPlace)) return step;
  return (await askForRoom(context, shortfallOf(lacking))) ? null : otherwise;
};

/**
 * What the zones have in which any host waits for its turn: which of them starts now is yet to be
 * seen.
 *
 * @returns null when the cloud is unwell, which has been written down
 */
const capacityFor = async (context: SessionContext): Promise<Capacity | null> => {
  const { session, hosts, inventory, owners, cloud, now } = context;
  const known = await inventory.byName(session.region);
  const waiting = hosts.filter(awaitsTurn);
  const wanted = new Set([...waiting, ...hosts.filter(isActive)].map(({ host }) => host));
  const zones = new Set(waiting.map(({ host, place }) => known.get(host)?.zone ?? place.zone));
  const devices = [...known.values()].filter(({ gone, zone }) => !gone && zones.has(zone));
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
