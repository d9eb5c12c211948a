import { forcedSince } from "../domain/forcing.ts";
import { movabilityOf, RUNNING } from "../domain/instances.ts";
import {
  hasBrokenOff,
  type Intent,
  moveKindOf,
  type SeenMigration,
  verdictOn,
} from "../domain/move.ts";
import { type GuestFacts, toGuest } from "../fleet/guests.ts";
import { newestMigration } from "../fleet/migrations.ts";
import { staleBindingOf } from "../fleet/stale-bindings.ts";
import { findServer, type Server } from "../openstack/compute/servers.ts";
import { mayBeOnItsWay } from "../store/intents.ts";
import { wordThatItIsDone } from "./action-done.ts";
import { confirmMove, wasReverted } from "./confirm-move.ts";
import type { HostContext } from "./host-step.ts";
import { noteMove } from "./note-move.ts";
import { callMove } from "./start-move.ts";
import { wasAborted } from "./watch-moves.ts";

/** What Nova shows of the host in this round, and what may be called. */
export type Round = {
  readonly servers: readonly Server[];
  readonly migrations: readonly SeenMigration[];
  readonly facts: GuestFacts;
  /** Every effect of this run so far. */
  readonly intents: readonly Intent[];
  /** No move may begin any more: what was not called yet never will be. */
  readonly stopping: boolean;
  /** Why nothing may be moved from the host now, in words; null when it may. */
  readonly unfit: string | null;
};

export type Judgement = {
  /** The moves that are on their way, by instance. */
  readonly underWay: ReadonlyMap<string, Intent>;
  /** Moves that broke off since the last one that succeeded. */
  readonly failed: number;
  /** What should stop the whole session; null when nothing does. */
  readonly alarm: string | null;
};

/** How one move stands after it was asked about. */
type Standing = "under way" | "moved" | "over" | "failed" | { readonly harmed: string };

/**
 * Asks Nova what became of each move that was begun and not yet settled, and settles it.
 *
 * An intent that Nova shows no migration for was stored but its call never took effect: the
 * process died in between, or the answer was lost before Nova acted. It is called again under the
 * same intent, once nobody's call can be on its way any more.
 */
export const judgeMoves = async (context: HostContext, round: Round): Promise<Judgement> => {
  const underWay = new Map<string, Intent>();
  let failed = context.run.moves_failed;
  let alarm: string | null = null;
  for (const intent of round.intents) {
    if (intent.instance_id === null || intent.outcome !== null) continue;
    if (moveKindOf(intent) === null) continue;
    const server = round.servers.find(({ id }) => id === intent.instance_id);
    const standing = await standingOf(context, round, intent, server);
    if (standing === "under way") underWay.set(intent.instance_id, intent);
    else if (standing === "moved") failed = 0;
    else if (standing === "failed") failed += 1;
    else if (typeof standing === "object") alarm = standing.harmed;
  }
  return { underWay, failed, alarm };
};

const standingOf = async (
  context: HostContext,
  round: Round,
  intent: Intent,
  server: Server | undefined,
): Promise<Standing> => {
  if (moveKindOf(intent) === "offload") return judgeOffload(context, intent, server);
  switch (verdictOn(intent, round.migrations)) {
    case "moving":
      return "under way";
    case "arrived":
      await confirmMove(context, intent);
      return "under way";
    case "cancelled":
      return judgeCancelled(context, round, intent);
    case "failed":
      return judgeFailed(context, round, intent, server);
    case "done":
      await settleMoved(context, intent);
      // The list was read in the same moment and may still hold a server that has just left.
      return server === undefined ? "moved" : "under way";
    case "unseen":
      return server === undefined
        ? settleGone(context, intent)
        : judgeUnseen(context, round, intent, server);
  }
};

/** Noted and told before it is settled: a step that dies in between does it again. */
const settleMoved = async (context: HostContext, intent: Intent): Promise<void> => {
  const { intents, moves, session, run, ref, now } = context;
  const move = await moves.get(session.session_id, run.host, intent.instance_id ?? "");
  if (move?.state !== "moved")
    await noteMove(
      context,
      intent,
      {
        state: "moved",
        // The note may be the first one: a run that died may have got as far as the intent only.
        destination_host: intent.target,
        finished_at: now,
        details: null,
      },
      await wordThatItIsDone(context, move, intent.target),
    );
  await intents.finish(ref, intent, "done", now);
};

const settleGone = async (context: HostContext, intent: Intent): Promise<Standing> => {
  const { intents, ref, now } = context;
  await intents.finish(ref, intent, "gone", now);
  await noteMove(context, intent, { state: "gone", finished_at: now, details: null });
  return "over";
};

/** A move that was ended: by ourselves, because it did not get on, or by somebody who may say no. */
const judgeCancelled = async (
  context: HostContext,
  round: Round,
  intent: Intent,
): Promise<Standing> => {
  const { intents, session, run, moves, ref, now } = context;
  if (wasReverted(round.intents, intent)) {
    const why = "it did not come up there as it was; the move was taken back";
    await intents.finish(ref, intent, "failed", now, why);
    await noteMove(context, intent, {
      state: "waiting",
      refuse: { host: intent.target, why },
      details: why,
    });
    return "failed";
  }
  if (wasAborted(round.intents, intent)) {
    const why = "its memory changed faster than it could be copied";
    const move = await moves.get(session.session_id, run.host, intent.instance_id ?? "");
    const harmed = await harmOfPause(context, round, intent);
    // Before the intent is settled: nobody would ask again.
    if (harmed !== null) await context.save({ ...run, alarm: { at: now, why: harmed } });
    await intents.finish(ref, intent, "failed", now, why);
    await noteMove(context, intent, {
      state: "waiting",
      refuse: { host: intent.target, why },
      stalls: (move?.stalls ?? 0) + 1,
      details: harmed ?? why,
    });
    return harmed === null ? "over" : { harmed };
  }
  const details = "its move was cancelled by its owner or an admin; it is not begun again";
  await intents.finish(ref, intent, "failed", now, details);
  await noteMove(context, intent, { state: "blocked", vetoed: true, details });
  return "over";
};

/** Whether the instance of a forced move, which paused it, does not run again now that it is aborted. */
const harmOfPause = async (
  { cloud, run }: HostContext,
  { intents }: Round,
  intent: Intent,
): Promise<string | null> => {
  if (forcedSince(intents, intent) === null) return null;
  const server = await findServer((await cloud()).compute, intent.instance_id ?? "");
  if (server === null || server.power_state === RUNNING) return null;
  const { id, name, status, power_state } = server;
  return (
    `${name ?? id} (${id}) does not run again on ${run.host} after its forced move was aborted: ` +
    `${status}, power state ${power_state}; to start it anew: openstack server reboot --hard ${id}`
  );
};

const judgeFailed = async (
  context: HostContext,
  round: Round,
  intent: Intent,
  listed: Server | undefined,
): Promise<Standing> => {
  const { intents, ref, now } = context;
  const cloud = await context.cloud();
  const server = await findServer(cloud.compute, intent.instance_id ?? "");
  if (server === null) return settleGone(context, intent);
  // A host marks the row of a live migration `error` in the middle of it, and the move goes on, when
  // a cold one that failed before has left its migration context with the server.
  if (server.status === "MIGRATING") return "under way";
  if (server.host === intent.target && server.status !== "ERROR") {
    await settleMoved(context, intent);
    return listed === undefined ? "moved" : "under way";
  }
  const stale = await staleBindingOf(cloud, server.id, intent.target);
  const why = [`Nova could not move it to ${intent.target}`, stale].filter(Boolean).join("; ");
  const harmed = server.status === "ERROR" ? wordsOnHarm(server, intent) : null;
  // Before the intent is settled: nobody would ask again.
  if (harmed !== null) await context.save({ ...context.run, alarm: { at: now, why: harmed } });
  await noteMove(context, listed ?? server, {
    state: "waiting",
    refuse: { host: intent.target, why },
    details: harmed ?? why,
  });
  await intents.finish(ref, intent, "failed", now, why);
  if (harmed !== null) return { harmed };
  return hasBrokenOff(intent, round.migrations) ? "failed" : "over";
};

const wordsOnHarm = ({ id, name }: Server, { target }: Intent): string =>
  `${name ?? id} (${id}) is in ERROR after its move to ${target}; to repair it: ` +
  `openstack server set --state active ${id} && openstack server reboot --hard ${id}`;

/**
 * An offload has no migration: the instance leaves the host, or rests there again as it was. Nova
 * shows it offloaded and at rest before it takes the host from it.
 */
const judgeOffload = async (
  context: HostContext,
  intent: Intent,
  server: Server | undefined,
): Promise<Standing> => {
  const { intents, ref, now } = context;
  if (server === undefined) {
    await settleMoved(context, intent);
    return "moved";
  }
  const onItsWay = server.task_state !== null || server.status === "SHELVED_OFFLOADED";
  if (onItsWay || mayBeOnItsWay(intent, now)) return "under way";
  await intents.finish(ref, intent, "failed", now, "it was not offloaded");
  await noteMove(context, server, { state: "waiting", details: "Nova did not offload it" });
  return "failed";
};

/** The same for an intent that Nova shows no migration for, while its server is still on the host. */
const judgeUnseen = async (
  context: HostContext,
  { stopping, unfit, facts }: Round,
  intent: Intent,
  server: Server,
): Promise<Standing> => {
  const { intents, ref, now } = context;
  if (mayBeOnItsWay(intent, now)) return "under way";
  const cloud = await context.cloud();
  // Asked after the server was read: a call that had ended by then has its row by now.
  if ((await newestMigration(cloud, server.id)) > intent.newest_migration) return "under way";
  // Nova says `migrating` a while before the migration's row is there: the call was accepted.
  if (server.task_state !== null || context.standstill !== null) return "under way";
  // Since the intent was stored, the session may have been aborted, or the owner may have acted.
  const { kind } = movabilityOf(toGuest(server, facts), context.session.policies);
  const move = await context.moves.get(context.session.session_id, context.run.host, server.id);
  const interrupts = move?.interrupts ?? false;
  const still = kind === moveKindOf(intent) || (interrupts && kind === "live");
  if (stopping || !still) {
    await intents.finish(ref, intent, "refused", now, "never called");
    await noteMove(context, server, { state: "waiting", destination_host: null, details: null });
    return "over";
  }
  if (unfit !== null || !(await intents.callAgain(ref, intent, now))) return "under way";
  return (await callMove(context, intent, server.id, interrupts)) ? "under way" : "over";
};
