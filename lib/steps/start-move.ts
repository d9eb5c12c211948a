import { randomUUID } from "node:crypto";
import { FrozenError } from "../domain/errors.ts";
import { isAtRest, movabilityOf } from "../domain/instances.ts";
import { type GroupClaim, type Intent, type Move, moveEffect, moveKindOf } from "../domain/move.ts";
import { rankTargets } from "../domain/plan/targets.ts";
import { commonRefusal, refusedNow } from "../domain/refusals.ts";
import { groupsApart, hostsToAvoid } from "../fleet/apart.ts";
import { type GuestFacts, toGuest } from "../fleet/guests.ts";
import { newestMigration } from "../fleet/migrations.ts";
import { computeServiceOf } from "../fleet/services.ts";
import { type Fleet, needOf, targetsFor } from "../fleet/targets.ts";
import { shelveOffload } from "../openstack/compute/server-actions.ts";
import {
  coldMigrate,
  findServer,
  getServer,
  liveMigrate,
  type Server,
} from "../openstack/compute/servers.ts";
import {
  isConflict,
  isNotFound,
  OpenStackError,
  TransientOpenStackError,
} from "../openstack/errors.ts";
import type { Begun, NewIntent } from "../store/intents.ts";
import { hostsFullOfGroup } from "./group-room.ts";
import type { HostContext } from "./host-step.ts";
import { noteMove } from "./note-move.ts";

const ACTIONS = { live: "LIVE_MIGRATE", cold: "MIGRATE", offload: "OFFLOAD" } as const;

type Wanted = {
  /** Counts the tries of this instance in this run, from 1: it names the effect. */
  readonly attempt: number;
  /** Its owner agreed that it is stopped for its move. */
  readonly mayInterrupt: boolean;
  /** Groups that count it among their impacted members already. */
  readonly claimed: readonly GroupClaim[];
  /** All groups that it must not hurt. */
  readonly groups: readonly GroupClaim[];
};

/**
 * Begins to take one instance away: by live migration, or as its class or its owner has it, by cold
 * migration or shelve offload. A migration goes to the best target that is free.
 *
 * @param fleet the hosts there are, read once for all instances of a round
 * @returns null when it is under way; otherwise why not, in words
 */
export const startMove = async (
  context: HostContext,
  listed: Server,
  facts: GuestFacts,
  { attempt, mayInterrupt, claimed, groups }: Wanted,
  fleet: () => Promise<Fleet>,
): Promise<string | null> => {
  const cloud = await context.cloud();
  const { session, run, now } = context;
  const server = await findServer(cloud.compute, listed.id);
  if (server === null) return "its owner has just deleted it";
  // The list may be a minute old by now: what counts is what Nova says at this moment.
  if (server.host !== run.host) return "it has just left the host";
  const { kind: ofClass } = movabilityOf(toGuest(server, facts), session.policies);
  // Nova moves a paused one live only.
  const interrupts = mayInterrupt && ofClass === "live" && server.status === "ACTIVE";
  const kind = interrupts ? "cold" : ofClass;
  if (kind !== "live" && kind !== "cold" && kind !== "offload")
    return "it has just changed; it is looked at again";
  const move = await noteMove(context, server, { action: ACTIONS[kind], interrupts });
  const intent: NewIntent = {
    effect: moveEffect(kind, server.id, attempt),
    request_id: `req-${randomUUID()}`,
    at: now,
    instance_id: server.id,
    target: null,
    target_device_id: null,
    newest_migration: await newestMigration(cloud, server.id),
    groups: groups.filter(({ id }) => !claimed.some((group) => group.id === id)),
  };
  const tried = { ...move, tries: attempt };
  return kind === "offload"
    ? begin(context, server, tried, intent)
    : sendToBest(context, server, await fleet(), tried, intent);
};

/** Begins a migration to the best target that can be had. */
const sendToBest = async (
  context: HostContext,
  server: Server,
  fleet: Fleet,
  move: Move,
  intent: NewIntent,
): Promise<string | null> => {
  const planned = fleet.planned.get(server.id) ?? null;
  const ranked = await ranking(context, server, fleet, move);
  // The planned host comes first unless another one is on trial, or it cannot be had.
  if (planned !== null && ranked.length > 0 && ranked[0] !== planned) await noteStrayed(context);
  for (const host of ranked) {
    const device = fleet.devices.find(({ name }) => name === host);
    const aimed = {
      ...intent,
      target: host,
      target_device_id: device?.id ?? null,
    };
    const why = await begin(context, server, move, aimed);
    if (why === null) fleet.promises.promise(host, needOf(server));
    if (why === TAKEN && host === planned) return PLACE_BUSY;
    if (why !== TAKEN) return why;
  }
  if (fleet.promises.any()) return ROOM_PROMISED;
  return waiting(
    context,
    server,
    commonRefusal(move.refusals) ?? "no host has room for it and may take it",
  );
};

/** The session is planned anew before its next host begins. */
const noteStrayed = ({ agendas, session, now }: HostContext): Promise<void> =>
  agendas.strayed(session.session_id, now);

/** Names of the hosts that the instance may go to now, the best first. */
const ranking = async (
  context: HostContext,
  server: Server,
  fleet: Fleet,
  { refusals }: Move,
): Promise<string[]> => {
  const { session, run, now } = context;
  const cloud = await context.cloud();
  const groups = await groupsApart(cloud, server);
  const source = fleet.devices.find(({ name }) => name === run.host);
  const ranked = rankTargets(
    {
      sessionId: session.session_id,
      source: {
        host: run.host,
        zone: source?.zone ?? "",
        cell: source?.cell ?? null,
        hypervisorVersion: run.worth?.hypervisor_version ?? 0,
      },
      allowed: session.targets,
      refused: refusedNow(refusals, now),
      planned: fleet.planned.get(server.id) ?? null,
      apart: [
        ...(await hostsToAvoid(cloud, server, groups)),
        ...(await hostsFullOfGroup(context, server)),
      ],
    },
    await targetsFor(cloud, server, fleet),
  );
  return ranked.map(({ host }) => host);
};

const TAKEN = "the target is taken";
/** Passing: moves to where it goes by the plan are on their way, and one of them ends before long. */
const PLACE_BUSY = "where it goes by the plan takes others just now";
/** Passing: in the next round it is known what is left. */
const ROOM_PROMISED = "what room there is was promised to others just now";
/** Whether an instance that was not moved needs no words: one of the next rounds does it. */
export const isPassingDelay = (why: string): boolean => why === ROOM_PROMISED || why === PLACE_BUSY;
/** Ordinary waiting, while the host has other instances on their way. */
export const GROUP_BUSY = "another member of its group is on its way";

const waiting = async (context: HostContext, server: Server, why: string): Promise<string> => {
  await noteMove(context, server, { state: "waiting", details: why });
  return why;
};

/** Stores the intent and calls Nova; answers as `startMove` does, or that another target has to be found. */
const begin = async (
  context: HostContext,
  server: Server,
  move: Move,
  intent: NewIntent,
): Promise<string | null> => {
  const { intents, session, run, ref, now } = context;
  // To find a target takes its time, and the host may have become somebody else's in it.
  const service = await computeServiceOf(await context.cloud(), run.host);
  if (service?.status === "enabled") return "somebody has just enabled its host";
  const begun: Begun = await intents.begin(ref, session.session_id, intent);
  switch (begun) {
    case "frozen":
      throw new FrozenError(`${server.name} is not moved: all is frozen`);
    case "target_taken":
      return TAKEN;
    case "group_busy":
      return waiting(context, server, GROUP_BUSY);
    case "exists":
      return null;
    case "begun": {
      await context.moves.put(ref, {
        ...move,
        state: "moving",
        destination_host: intent.target,
        progress: null,
        arrived_at: null,
        started_at: move.started_at ?? now,
        details: null,
      });
      const called = await callMove(context, intent, server.id, move.interrupts);
      return called ? null : "Nova refused the move; another target is tried";
    }
  }
};

/** What a call needs to know of its intent. */
type Called = Pick<
  Intent,
  "effect" | "request_id" | "target" | "target_device_id" | "newest_migration" | "groups"
>;

/**
 * Calls Nova for a stored intent.
 *
 * @param interrupts its owner agreed that it is stopped for the move
 * @returns false when Nova refused, which settles the intent; true when it accepted, or when only
 *   Nova can tell whether it did: the next round asks
 */
export const callMove = async (
  context: HostContext,
  intent: Called,
  instanceId: string,
  interrupts: boolean,
): Promise<boolean> => {
  const { compute } = await context.cloud();
  const { target: host, request_id: requestId } = intent;
  try {
    const kind = moveKindOf(intent);
    if (kind === "offload") await shelveOffload(compute, instanceId, { requestId });
    else if (kind === "live") await liveMigrate(compute, instanceId, { host, requestId });
    // Nova would stop one that runs.
    else if (interrupts || (await restsNow(context, instanceId)))
      await coldMigrate(compute, instanceId, { host, requestId });
    else return await settleRevived(context, intent, instanceId);
    return true;
  } catch (error) {
    if (error instanceof TransientOpenStackError && error.sent) return true;
    // A refusal of ourselves is no refusal of the target.
    if (!(error instanceof OpenStackError) || [401, 403].includes(error.status)) throw error;
    const cloud = await context.cloud();
    if (isConflict(error) && (await newestMigration(cloud, instanceId)) > intent.newest_migration)
      return true;
    await settleRefusal(context, intent, instanceId, error);
    return false;
  }
};

/** Whether the instance is shut off at this very moment, whatever was read of it before. */
const restsNow = async ({ cloud }: HostContext, instanceId: string): Promise<boolean> => {
  const server = await getServer((await cloud()).compute, instanceId);
  const { status, task_state: taskState, power_state: powerState } = server;
  return status === "SHUTOFF" && isAtRest({ status, taskState, powerState });
};

const settleRevived = async (
  context: HostContext,
  intent: Called,
  instanceId: string,
): Promise<false> => {
  const details = "it is no longer shut off; it is looked at again";
  await context.intents.finish(context.ref, intent, "refused", context.now, details);
  await noteMove(context, { instance_id: instanceId }, { state: "waiting", details });
  return false;
};

const settleRefusal = async (
  context: HostContext,
  intent: Called,
  instanceId: string,
  error: OpenStackError,
): Promise<void> => {
  const { message: why } = error;
  const gone = isNotFound(error);
  await context.intents.finish(context.ref, intent, gone ? "gone" : "refused", context.now, why);
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
