import { randomUUID } from "node:crypto";
import { FrozenError } from "../domain/errors.ts";
import { movabilityOf } from "../domain/instances.ts";
import type { Intent, Move } from "../domain/move.ts";
import { rankTargets } from "../domain/plan/targets.ts";
import { commonRefusal, refusedNow, withRefusal } from "../domain/refusals.ts";
import { groupsApart, hostsToAvoid } from "../fleet/apart.ts";
import { factsOf, toGuest } from "../fleet/guests.ts";
import { newestMigration } from "../fleet/migrations.ts";
import { targetsFor } from "../fleet/targets.ts";
import { getServer, liveMigrate, type Server } from "../openstack/compute/servers.ts";
import {
  isConflict,
  isNotFound,
  OpenStackError,
  TransientOpenStackError,
} from "../openstack/errors.ts";
import type { Begun, NewIntent } from "../store/intents.ts";
import type { HostContext } from "./host-step.ts";

type Subject = Pick<Server, "id" | "name" | "project_id"> | Pick<Intent, "instance_id">;
type Note = Partial<
  Pick<Move, "state" | "destination_host" | "vetoed" | "started_at" | "finished_at" | "details">
> & {
  /** A target that would not take it, and Nova's words. */
  readonly refuse?: { readonly host: string | null; readonly why: string } | null;
};

/** Writes down how a move stands, for people and for the choice of its next target. */
export const noteMove = async (
  { moves, session, run, ref, now }: HostContext,
  subject: Subject,
  { refuse, ...note }: Note,
): Promise<Move> => {
  const id = "id" in subject ? subject.id : (subject.instance_id ?? "");
  const known = await moves.get(session.session_id, run.host, id);
  const before: Move = known ?? {
    schema: 1,
    session_id: session.session_id,
    host: run.host,
    instance_id: id,
    instance_name: "id" in subject ? (subject.name ?? id) : id,
    project_id: "id" in subject ? (subject.project_id ?? "") : "",
    action: "LIVE_MIGRATE",
    state: "waiting",
    destination_host: null,
    refusals: [],
    tries: 0,
    progress: null,
    stalls: 0,
    arrived_at: null,
    retried_at: null,
    vetoed: false,
    started_at: null,
    finished_at: null,
    details: null,
  };
  const next = {
    ...before,
    ...note,
    refusals: refuse?.host
      ? withRefusal(before.refusals, refuse.host, refuse.why, now)
      : before.refusals,
  };
  await moves.put(ref, next);
  return next;
};

const nullIfGone = (error: unknown): null => {
  if (isNotFound(error)) return null;
  throw error;
};

/**
 * Begins the live migration of one instance to the best target that is free.
 *
 * @param attempt counts the tries of this instance in this run, from 1: it names the effect
 * @returns null when it is under way; otherwise why not, in words
 */
export const startMove = async (
  context: HostContext,
  listed: Server,
  attempt: number,
): Promise<string | null> => {
  const cloud = await context.cloud();
  const { session, run, intents, ref, now } = context;
  const server = await getServer(cloud.compute, listed.id).catch(nullIfGone);
  if (server === null) return "its owner has just deleted it";
  // The list may be a minute old by now: what counts is what Nova says at this moment.
  if (server.host !== run.host) return "it has just left the host";
  const facts = await factsOf(cloud, run.host);
  const movability = movabilityOf(toGuest(server, facts), session.policies);
  if (movability.kind !== "live") return "it has just changed; it is looked at again";
  const move = await noteMove(context, server, {});
  const fleet = await readFleet(context);
  const groups = await groupsApart(cloud, server);
  const source = fleet.devices.find(({ name }) => name === run.host);
  const ranked = rankTargets(
    {
      sessionId: session.session_id,
      source: {
        host: run.host,
        zone: source?.zone ?? "",
        hypervisorVersion: run.worth?.hypervisor_version ?? 0,
      },
      allowed: session.targets,
      refused: refusedNow(move.refusals, now),
      apart: await hostsToAvoid(cloud, server, groups),
    },
    await targetsFor(cloud, server, fleet),
  );
  const newest_migration = await newestMigration(cloud, server.id);
  for (const target of ranked) {
    const device = fleet.devices.find(({ name }) => name === target.host);
    const intent = {
      effect: `live_migrate#${server.id}#${String(attempt).padStart(3, "0")}`,
      request_id: `req-${randomUUID()}`,
      at: now,
      instance_id: server.id,
      target: target.host,
      target_device_id: device?.id ?? null,
      newest_migration,
      groups: groups.map(({ id }) => ({ id, max_impacted_members: 1, recovery_seconds: 0 })),
    };
    const begun = await intents.begin(ref, session.session_id, intent);
    if (begun !== "target_taken")
      return goOn(context, server, { ...move, tries: attempt }, intent, begun);
  }
  const why = commonRefusal(move.refusals) ?? "no host has room for it and may take it";
  return waiting(context, server, why);
};

const waiting = async (context: HostContext, server: Server, why: string): Promise<string> => {
  await noteMove(context, server, { state: "waiting", details: why });
  return why;
};

/** What follows once it is known whether the intent could be stored; answers as `startMove` does. */
const goOn = async (
  context: HostContext,
  server: Server,
  move: Move,
  intent: NewIntent,
  begun: Exclude<Begun, "target_taken">,
): Promise<string | null> => {
  const { ref, now } = context;
  if (begun === "frozen") throw new FrozenError(`${server.name} is not moved: all is frozen`);
  if (begun === "group_busy")
    return waiting(context, server, "another member of its group is on its way");
  if (begun === "exists") return null;
  await context.moves.put(ref, {
    ...move,
    state: "moving",
    destination_host: intent.target,
    started_at: move.started_at ?? now,
    details: null,
  });
  const called = await callMigrate(context, { ...intent, run_id: ref.run_id }, server.id);
  return called ? null : "Nova refused the move; another target is tried";
};

const readFleet = async ({ inventory, owners, hostRuns, session, settings }: HostContext) => {
  const devices = [...(await inventory.byName(settings.LULL_REGION)).values()];
  const runs = await hostRuns.list(session.session_id);
  const finished = runs.filter(
    ({ outcome, phase }) => phase === "FINISHED" && outcome === "maintained",
  );
  return {
    devices,
    owners: await owners.owners(devices.map(({ id }) => id)),
    maintained: new Set(finished.map(({ host }) => host)),
  };
};

/**
 * Calls Nova for a stored intent.
 *
 * @returns false when Nova refused, which settles the intent; true when it accepted, or when only
 *   Nova can tell whether it did: the next round asks
 */
export const callMigrate = async (
  context: HostContext,
  intent: Pick<
    Intent,
    | "run_id"
    | "effect"
    | "request_id"
    | "target"
    | "target_device_id"
    | "newest_migration"
    | "groups"
  >,
  instanceId: string,
): Promise<boolean> => {
  const cloud = await context.cloud();
  const { target, request_id: requestId } = intent;
  try {
    await liveMigrate(cloud.compute, instanceId, { host: target, requestId });
    return true;
  } catch (error) {
    if (error instanceof TransientOpenStackError && error.sent) return true;
    // A refusal of ourselves is no refusal of the target.
    if (!(error instanceof OpenStackError) || [401, 403].includes(error.status)) throw error;
    if (isConflict(error) && (await newestMigration(cloud, instanceId)) > intent.newest_migration)
      return true;
    await settleRefusal(context, intent, instanceId, error);
    return false;
  }
};

const settleRefusal = async (
  context: HostContext,
  intent: Pick<Intent, "run_id" | "effect" | "target" | "target_device_id" | "groups">,
  instanceId: string,
  error: OpenStackError,
): Promise<void> => {
  const { message: why } = error;
  const gone = isNotFound(error);
  await context.intents.finish(intent, gone ? "gone" : "refused", context.now, why);
  await noteMove(
    context,
    { instance_id: instanceId },
    {
      state: gone ? "gone" : "waiting",
      // A conflict is about the instance's own state and says nothing about the target.
      refuse: gone || isConflict(error) ? null : { host: intent.target, why },
      details: why,
    },
  );
};
