import { type Consent, isOwnersTime } from "../domain/dialogue/consent.ts";
import { notStaying } from "../domain/empty.ts";
import type { HostRun } from "../domain/host-run.ts";
import { type Guest, type Movability, movabilityOf } from "../domain/instances.ts";
import { givenUp, type Intent, type Move, movesOf } from "../domain/move.ts";
import { toGuest } from "../fleet/guests.ts";
import type { Fleet } from "../fleet/targets.ts";
import type { Server } from "../openstack/compute/servers.ts";
import type { Consents } from "./hear-owners.ts";
import type { HostContext } from "./host-step.ts";
import { impactOn } from "./impacts.ts";
import type { Round } from "./judge-moves.ts";
import { leaveInPlace, type Resident } from "./leave-in-place.ts";
import { noteMove } from "./note-move.ts";
import type { OwnersRules } from "./owners-rules.ts";
import { readFleet } from "./read-fleet.ts";
import { isPassingDelay, startMove } from "./start-move.ts";

/** A round in which the owners have been heard. */
export type Asked = Round & { readonly consents: Consents; readonly rules: OwnersRules };

/** The servers that still have to leave. */
export const leaving = ({ servers, facts }: Round, run: HostRun) =>
  notStaying(
    servers.map((server) => toGuest(server, facts)),
    run.staying,
  );

/** Why an instance is not moving, in words; `ownersTime` = its owner was given time, which is no trouble. */
export type Delay = { readonly words: string; readonly ownersTime: boolean };

const delayOf = ({ server, consent }: Subject, why: string): Delay => {
  const ownersTime = isOwnersTime(consent);
  const name = ownersTime ? `${server.name} of project ${server.project_id}` : server.name;
  return { words: `${name}: ${why}`, ownersTime };
};

type Begun = {
  readonly run: HostRun;
  /** How many instances are on their way now that were not before. */
  readonly count: number;
  /** Of the instances that are not moving. */
  readonly delays: readonly Delay[];
};

/**
 * Asks for as many moves as there is `room`, whether or not each finds a target: a full cloud must
 * not be asked about every instance in every round.
 */
export const startMoves = async (
  context: HostContext,
  round: Asked,
  servers: readonly Server[],
  room: number,
): Promise<Begun> => {
  const { run, ref } = context;
  const known = await context.moves.listByHost(context.session.session_id, run.host);
  const subjects = inTurn(servers, ref.turn ?? 0).flatMap((server) =>
    subjectOf(context, round, server),
  );
  const residents = subjects.flatMap(({ guest, movability, consent }) =>
    isResident(movability) && mayRest(movability, consent) ? [{ guest, movability }] : [],
  );
  let read: Promise<Fleet> | undefined;
  const fleet = () => {
    read ??= readFleet(context);
    return read;
  };
  const delays: Delay[] = [];
  let asked = 0;
  let count = 0;
  for (const subject of subjects) {
    if (staysPut(subject)) continue;
    const move = known.find(({ instance_id }) => instance_id === subject.server.id);
    const why = await whyNot(context, round, subject, move);
    if (why === null && asked >= room) continue;
    const refusal = why ?? (await begin(context, round, subject, fleet));
    if (why === null) asked += 1;
    if (refusal === null) count += 1;
    else if (!isPassingDelay(refusal)) delays.push(delayOf(subject, refusal));
  }
  if (room <= 0) return { run, count, delays };
  const others = leaving(round, run).length - residents.length;
  return { run: await leaveInPlace(context, residents, others <= 0), count, delays };
};

const begin = (
  context: HostContext,
  { intents, facts, rules }: Asked,
  { server, consent }: Subject,
  fleet: () => Promise<Fleet>,
): Promise<string | null> => {
  const wanted = {
    attempt: triesOf(intents, server.id).length + 1,
    mayInterrupt: consent?.kind === "move" && consent.action === "MIGRATE",
    claimed: impactOn(intents, server.id)?.groups ?? [],
    groups: rules.of(server).groups,
  };
  return startMove(context, server, facts, wanted, fleet);
};

/** Why an instance is not to be moved now; one that waits for people is noted as blocked. */
const whyNot = async (
  context: HostContext,
  { intents }: Asked,
  { server, movability, consent }: Subject,
  move: Move | undefined,
): Promise<string | null> => {
  const why =
    (await ownersWord(context, server, consent, move)) ??
    obstacleTo(movability, move, triesOf(intents, server.id));
  if (why?.lasting) await noteMove(context, server, { state: "blocked", details: why.words });
  return why?.words ?? null;
};

const staysPut = ({ movability, consent }: Subject): boolean =>
  isResident(movability) && mayRest(movability, consent);

/** Whether it may be left in place: one that rests anyway, or whose owner has had a say. */
const mayRest = ({ kind }: Movability, consent: Consent | undefined): boolean =>
  kind === "stay" || consent?.kind === "move";

/** Why the owner's word, or that there is none yet, keeps an instance from being moved now. */
const ownersWord = async (
  context: HostContext,
  server: Server,
  consent: Consent | undefined,
  move: Move | undefined,
): Promise<{ words: string; lasting: boolean } | null> => {
  switch (consent?.kind) {
    case "move":
      return null;
    case "defer":
      if (move?.deferred_until === null)
        await noteMove(context, server, {
          deferred_until: consent.until,
          defers: move.defers + 1,
          details: consent.why,
        });
      return { words: consent.why, lasting: false };
    case "own_action": {
      const words = `its owner takes it away itself, by ${consent.until}`;
      if (move?.action !== "OWN_ACTION")
        await noteMove(context, server, { action: "OWN_ACTION", details: words });
      return { words, lasting: false };
    }
    case "skip":
    case "stop":
      return { words: consent.why, lasting: true };
    default:
      return { words: consent?.why ?? "its owner has not been asked yet", lasting: false };
  }
};

type Subject = {
  readonly server: Server;
  readonly guest: Guest;
  readonly movability: Movability;
  readonly consent: Consent | undefined;
};

/** An instance that has to leave or to be left in place; nothing when it rests where it may stay. */
const subjectOf = (
  { session, run }: HostContext,
  { facts, consents }: Asked,
  server: Server,
): Subject[] => {
  const guest = toGuest(server, facts);
  if (notStaying([guest], run.staying).length === 0) return [];
  const movability = movabilityOf(guest, session.policies);
  return [{ server, guest, movability, consent: consents.get(server.id) }];
};

const isResident = (movability: Movability): movability is Resident["movability"] =>
  movability.kind === "stay" || movability.kind === "stop_start";

/** When each try to move the instance was made. */
const triesOf = (intents: readonly Intent[], instanceId: string): string[] =>
  movesOf(intents, instanceId).map(({ at }) => at);

/** Another one comes first each turn: those that find no target must not keep the others waiting. */
const inTurn = (servers: readonly Server[], turn: number): Server[] => {
  const sorted = servers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const first = sorted.length === 0 ? 0 : turn % sorted.length;
  return [...sorted.slice(first), ...sorted.slice(0, first)];
};

/** Why an instance is not to be moved now; `lasting` = until its owner or an admin acts. */
const obstacleTo = (
  movability: Movability,
  move: Move | undefined,
  tries: readonly string[],
): { words: string; lasting: boolean } | null => {
  const tried = tries.filter((at) => at > (move?.retried_at ?? "")).length;
  const end = move === undefined ? null : givenUp(move, tried);
  if (end?.rule === "vetoed") return { words: end.words, lasting: true };
  if (movability.kind === "wait") return { words: movability.why, lasting: false };
  if (movability.kind === "blocked")
    return { words: `${movability.rule}: ${movability.what_to_do}`, lasting: true };
  return end === null ? null : { words: end.words, lasting: true };
};
