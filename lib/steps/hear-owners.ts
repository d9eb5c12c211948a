import { type Ask, heardIn, hearingOf } from "../domain/dialogue/ask.ts";
import { type Consent, consentOf } from "../domain/dialogue/consent.ts";
import { later } from "../domain/instant.ts";
import type { Move } from "../domain/move.ts";
import { lastEndOf } from "../domain/windows.ts";
import type { Server } from "../openstack/compute/servers.ts";
import type { HostContext } from "./host-step.ts";
import type { OwnersRules } from "./owners-rules.ts";

/** What may be done with instances, by their id. */
export type Consents = ReadonlyMap<string, Consent>;

const NOT_ASKED: Consent = {
  kind: "wait",
  why: "its owner is asked as soon as its group can bear it",
  until: null,
};

/**
 * What the owners of the servers have agreed to by now. An ask that is answered, or has had its
 * time, is closed with that: what an owner says later changes nothing.
 *
 * @param moves of these servers, as they are after they were asked about
 */
export const hearOwners = async (
  context: HostContext,
  servers: readonly Server[],
  moves: readonly Move[],
  rules: OwnersRules,
): Promise<Consents> => {
  const asks = await readAsks(context, moves);
  return new Map(
    servers.map((server) => {
      const move = moves.find(({ instance_id }) => instance_id === server.id);
      const ask = move?.asked_by === context.ref.run_id ? asks.get(move.ask_id ?? "") : undefined;
      return [server.id, move && ask ? consentTo(context, ask, move, server, rules) : NOT_ASKED];
    }),
  );
};

const readAsks = async (
  context: HostContext,
  moves: readonly Move[],
): Promise<ReadonlyMap<string, Ask>> => {
  const names = moves.flatMap(({ project_id, ask_id }) => (ask_id ? [{ project_id, ask_id }] : []));
  const asks = await context.asks.getAll(context.session.session_id, names);
  return new Map(
    await Promise.all(
      asks.map(async (ask) => [ask.ask_id, await closedIfHeard(context, ask)] as const),
    ),
  );
};

/** The ask, closed for good when there is nothing left to wait for. */
const closedIfHeard = async (context: HostContext, ask: Ask): Promise<Ask> => {
  const { asks, now, run, standstill } = context;
  // While nobody could answer, silence says nothing.
  if (ask.closed_at !== null || standstill !== null) return ask;
  const reach = await context.audience.reachOf(ask);
  const hearing = hearingOf(ask, { now, wellSince: run.went_on_at, reach });
  if (hearing.kind === "open") return { ...ask, reply_at: hearing.until };
  const closed = await asks.close(ask, hearing.kind, now);
  // Somebody answered in this very moment: the next round hears it.
  return closed ? { ...ask, closed_at: now, came_to: hearing.kind } : ask;
};

const consentTo = (
  { session, settings, run, now }: HostContext,
  ask: Ask,
  move: Move,
  server: Server,
  rules: OwnersRules,
): Consent =>
  consentOf(heardIn(ask), {
    ask,
    instanceId: server.id,
    wishes: rules.of(server).wishes,
    rules: session.dialogue,
    now,
    isOverridden: session.overrides.some(({ project_id }) => project_id === ask.project_id),
    defers: move.defers,
    latestAt: latestAt(session, run, settings),
    limits: {
      maxDefers: settings.LULL_MAX_DEFERS,
      ownActionSeconds: settings.LULL_OWN_ACTION_MINUTES * 60,
    },
  });

/** Until when an instance may be put off: the host is not kept out of service for longer. */
const latestAt = (
  session: HostContext["session"],
  { started_at }: HostContext["run"],
  { LULL_DRAIN_MINUTES }: HostContext["settings"],
): string | null => {
  const drained = started_at === null ? null : later(started_at, LULL_DRAIN_MINUTES * 60);
  return [lastEndOf(session), drained].filter((at) => at !== null).toSorted()[0] ?? null;
};
