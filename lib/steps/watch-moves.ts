import { FrozenError } from "../domain/errors.ts";
import { expectedPause, forcedSince, nextStep, type Transfer } from "../domain/forcing.ts";
import { secondsUntil } from "../domain/instant.ts";
import { type Intent, migrationOf, moveKindOf, withProgress } from "../domain/move.ts";
import {
  abortMigration,
  listServerMigrations,
  type ServerMigration,
} from "../openstack/compute/migrations.ts";
import { listServices } from "../openstack/compute/services.ts";
import { isConflict, isNotFound, OpenStackError } from "../openstack/errors.ts";
import { makeEffect } from "./effect.ts";
import { forceMove, licenceFor } from "./force-move.ts";
import type { HostContext } from "./host-step.ts";
import type { Round } from "./judge-moves.ts";
import { noteMove } from "./note-move.ts";

/** A move is looked at closely when it has not ended by itself after so long. */
const QUICK_SECONDS = 60;

const abortion = ({ effect }: Pick<Intent, "effect">): string => `abort#${effect}`;

/** Whether it was us who ended the move. */
export const wasAborted = (intents: readonly Intent[], move: Intent): boolean =>
  intents.some(({ effect }) => effect === abortion(move));

/** Whether Nova has taken our abort of the move; one that got lost on its way is made again. */
const isAbortedAlready = (intents: readonly Intent[], move: Intent): boolean =>
  intents.some(({ effect, outcome }) => effect === abortion(move) && outcome !== null);

/** What people should know of the moves that take long; null = nothing. */
type Watched = {
  /** Of an instance that a forced move keeps paused. */
  readonly paused: string | null;
  /** Of the oldest of the others that is stuck. */
  readonly stuck: string | null;
};

/**
 * Watches the moves that take longer than most. A live migration that no longer gets on is aborted,
 * which the instance does not notice, and tried elsewhere; it is forced, which pauses the instance,
 * only where session and owner allow it. One that Nova has queued behind another has no clock.
 *
 * Whoever has paused an instance has to release it: a forced move that lasts too long is aborted also
 * while the host stands still or may be dead, and waits only for the end of a freeze.
 */
export const watchMoves = async (
  context: HostContext,
  round: Round,
  underWay: ReadonlyMap<string, Intent>,
): Promise<Watched> => {
  const isForced = (intent: Intent): boolean => forcedSince(round.intents, intent) !== null;
  const slow = [...underWay.values()]
    .filter(({ at }) => secondsUntil(at, context.now) >= QUICK_SECONDS)
    .filter((intent) => round.unfit === null || isForced(intent))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
  if (slow.length === 0) return { paused: null, stuck: null };
  const dead = await deadTargets(context, slow);
  const words: { readonly isForced: boolean; readonly why: string }[] = [];
  for (const intent of slow) {
    const forced = isForced(intent);
    const why =
      dead.has(intent.target ?? "") && !forced
        ? stranded(intent)
        : moveKindOf(intent) === "live"
          ? await watch(context, round, intent)
          : null;
    if (why !== null) words.push({ isForced: forced, why });
  }
  const first = (forced: boolean) => words.find((one) => one.isForced === forced)?.why ?? null;
  return { paused: first(true), stuck: first(false) };
};

const deadTargets = async (
  { cloud }: HostContext,
  intents: readonly Intent[],
): Promise<Set<string>> => {
  const services = await listServices((await cloud()).compute, { binary: "nova-compute" });
  const down = services.filter(({ state }) => state !== "up").map(({ host }) => host);
  return new Set(down.filter((host) => intents.some(({ target }) => target === host)));
};

const stranded = ({ instance_id, target }: Intent): string =>
  `nova-compute on ${target} went down while instance ${instance_id} was on its way there; Nova gives the move up ` +
  `by itself within minutes, or when ${target} is back; then: openstack server migration list --server ${instance_id}`;

const watch = async (
  context: HostContext,
  round: Round,
  intent: Intent,
): Promise<string | null> => {
  const { session, run, moves, settings, now } = context;
  const instanceId = intent.instance_id ?? "";
  const ours = migrationOf(intent, round.migrations);
  const { compute } = await context.cloud();
  const transfers = await listServerMigrations(compute, instanceId);
  const transfer = transfers.find(({ id }) => id === ours?.id);
  const move = await moves.get(session.session_id, run.host, instanceId);
  const before = move?.progress ?? null;
  const copied = copiedOf(transfer);
  const progress = withProgress(before, copied && seenOf(copied), now);
  if (progress !== before) await noteMove(context, intent, { progress });
  if (progress === null || transfer === undefined)
    return overdue(intent, settings.LULL_STALL_SECONDS, now);
  const isStalled = secondsUntil(progress.at, now) >= settings.LULL_STALL_SECONDS;
  const pause = copied && expectedPause(progress, copied, now);
  const licence = await licenceFor(context, round, intent, wasAborted(round.intents, intent));
  const next = nextStep({ isStalled, pause, ...licence }, now);
  const deed = await act(context, round, { intent, transfer, next, ...licence });
  return wordsOn(deed, intent, licence.forcedAt);
};

/** What is to be done next with one move. */
type Turn = {
  readonly intent: Intent;
  readonly transfer: ServerMigration;
  readonly next: ReturnType<typeof nextStep>;
  readonly forcedAt: string | null;
};

/** What was done. `held` = what is due may not be done now. */
type Deed = "waited" | "forced" | "not forced" | "aborted" | "held";

const act = async (
  context: HostContext,
  { intents }: Round,
  { intent, transfer, next, forcedAt }: Turn,
): Promise<Deed> => {
  if (next === "wait") return "waited";
  const isReleased = next === "abort" && forcedAt !== null;
  if (context.standstill !== null && !isReleased) return "held";
  if (next === "force")
    return (await forceMove(context, intent, transfer)) ? "forced" : "not forced";
  if (isAbortedAlready(intents, intent)) return "aborted";
  try {
    await abort(context, intent, transfer);
    return "aborted";
  } catch (error) {
    if (isReleased && error instanceof FrozenError) return "held";
    throw error;
  }
};

const abort = async (context: HostContext, intent: Intent, { id }: ServerMigration) => {
  const { compute } = await context.cloud();
  await makeEffect(context, abortion(intent), (requestId) =>
    abortMigration(compute, intent.instance_id ?? "", id, { requestId }).catch(fineIfOver),
  );
};

const wordsOn = (
  deed: Deed,
  { instance_id, target }: Intent,
  forcedAt: string | null,
): string | null => {
  const busy = `instance ${instance_id} changes its memory faster than it can be copied to ${target}`;
  const paused = `the move of instance ${instance_id} to ${target} is forced since ${forcedAt}, which pauses it`;
  switch (deed) {
    case "waited":
      return forcedAt && paused;
    case "forced":
      return `${busy}; its move is forced, which pauses it for no longer than its owner has said`;
    case "not forced":
      return `${busy}; Nova did not force that move, which is aborted next`;
    case "aborted":
      return forcedAt === null
        ? `${busy}; that move is aborted and tried elsewhere`
        : `${paused} for longer than its owner has said; that move is aborted`;
    case "held":
      return forcedAt === null
        ? `${busy}; that move is left as it is until something may be done again`
        : `${paused} for longer than its owner has said; it stays paused until all is thawed; ` +
            `to release it: openstack server migration abort ${instance_id} MIGRATION`;
  }
};

/** What has been copied, and what is left; null before the transfer reports. */
const copiedOf = (transfer: ServerMigration | undefined): Transfer | null =>
  transfer?.status !== "running" || transfer.memory_remaining_bytes === null
    ? null
    : {
        memory_left: transfer.memory_remaining_bytes,
        disk_left: transfer.disk_remaining_bytes ?? 0,
        memory_sent: transfer.memory_processed_bytes ?? 0,
      };

const seenOf = ({ memory_left, disk_left, memory_sent }: Transfer) => ({
  left: memory_left + disk_left,
  memory: memory_left,
  sent: memory_sent,
});

/** A move that shows nothing of itself: it is waited for, and people are told. */
const overdue = ({ instance_id, target, at }: Intent, most: number, now: string): string | null =>
  secondsUntil(at, now) < most * 3
    ? null
    : `instance ${instance_id} is on its way to ${target} since ${at} and shows no progress; it is waited for; ` +
      `to end it: openstack server migration abort ${instance_id} MIGRATION`;

/** It ended while it was to be aborted. */
const fineIfOver = (error: unknown): void => {
  const over = error instanceof OpenStackError && error.status === 400;
  if (!over && !isConflict(error) && !isNotFound(error)) throw error;
};
