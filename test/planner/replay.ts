import type { Cluster, Rules } from "../../lib/domain/plan/cluster.ts";
import type { Plan, PlanEvent } from "../../lib/domain/plan/timeline.ts";
import { keepsReserve, ON_OPEN, ON_WORK, ON_WORK_END } from "./host-rules.ts";
import { type Move, ON_START } from "./move-rules.ts";
import { type BrokenRule, isNear, type Rule } from "./rule.ts";
import {
  at,
  book,
  depart,
  hostAt,
  instanceAt,
  interrupt,
  land,
  restore,
  type World,
  worldOf,
} from "./world.ts";

export type Violation = { readonly rule: BrokenRule; readonly t: number; readonly says: string };

/** How a plan was played through, and where it ended. */
export type Replay = {
  readonly world: World;
  readonly violations: Violation[];
  /** Moves from hosts that are not open: legal, they make room, but they should be few. */
  making_room: number;
};

type MoveEvent = Extract<PlanEvent, Move>;

/** Plays the timeline of a plan event by event; each is applied even when it breaks a rule. */
export const replay = (cluster: Cluster, rules: Rules, { timeline }: Plan): Replay => {
  const played: Replay = { world: worldOf(cluster, rules), violations: [], making_room: 0 };
  for (const event of timeline) play(played, event);
  const { world } = played;
  for (const [id, { from, to }] of world.flights)
    blame(played, "start_and_end", `the move of ${id} from ${from} to ${to} does not end`);
  for (const [host, stage] of world.stage.entries())
    if (stage === "work") blame(played, "start_and_end", `the work on ${host} does not end`);
  return played;
};

export const blame = ({ violations, world: { t } }: Replay, rule: BrokenRule, says: string): void =>
  void violations.push({ rule, t, says });

const play = (played: Replay, event: PlanEvent): void => {
  const { world } = played;
  if (!(event.t >= world.t)) blame(played, "order", JSON.stringify(event));
  else world.t = event.t;
  if (isKnown(world, event)) apply(played, event);
  else blame(played, "unknown", JSON.stringify(event));
};

const apply = (played: Replay, event: PlanEvent): void => {
  switch (event.event) {
    case "host_open":
      open(played, event.host);
      break;
    case "host_close":
      close(played, event.host);
      break;
    case "migrate_start":
      start(played, event);
      break;
    case "migrate_end":
      end(played, event);
      break;
    case "work_start":
      begin(played, event.host);
      break;
    case "work_end":
      finish(played, event.host);
  }
};

const isKnown = ({ cluster: { hosts, instances } }: World, event: PlanEvent): boolean =>
  "host" in event
    ? event.host in hosts
    : event.instance in instances && event.from in hosts && event.to in hosts;

/** Notes each rule that the act breaks, in the world as it was before. */
const judge = <Act>(played: Replay, rules: readonly Rule<Act>[], act: Act): void => {
  for (const [rule, isKept] of rules)
    if (!isKept(played.world, act)) blame(played, rule, JSON.stringify(act));
};

const open = (played: Replay, host: number): void => {
  const { world } = played;
  judge(played, ON_OPEN, host);
  world.stage[host] = "open";
  world.opened_at[host] = world.t;
  if (!keepsReserve(world, hostAt(world, host).zone)) blame(played, "reserve", `${host} opened`);
};

/** A host that could not be emptied is given up: it takes instances again. */
const close = (played: Replay, host: number): void => {
  const { world } = played;
  if (at(world.stage, host) !== "open") blame(played, "host_close", `${host} is not open`);
  else world.stage[host] = "closed";
};

const start = (played: Replay, event: MoveEvent): void => {
  const { world } = played;
  const impossible = whyImpossible(world, event);
  if (impossible !== null) {
    blame(played, impossible, JSON.stringify(event));
    return;
  }
  judge(played, ON_START, event);
  if (at(world.stage, event.from) !== "open") played.making_room += 1;
  const { instance, to } = event;
  book(world, instance, to);
  depart(world, instance, { to, seconds: instanceAt(world, instance).move_seconds });
};

/** A move that cannot even be played: of an instance that is elsewhere, or that goes nowhere. */
const whyImpossible = (world: World, { instance, from, to }: Move): BrokenRule | null => {
  if (world.flights.has(instance)) return "one_move";
  if (at(world.place, instance) !== from) return "source";
  return from === to ? "target" : null;
};

const end = (played: Replay, event: MoveEvent): void => {
  const { world } = played;
  const flight = world.flights.get(event.instance);
  if (flight?.from !== event.from || flight.to !== event.to) {
    blame(played, "start_and_end", JSON.stringify(event));
    return;
  }
  if (!isNear(world.t - flight.started, flight.seconds))
    blame(played, "duration", JSON.stringify(event));
  land(world, event.instance, flight);
};

const begin = (played: Replay, host: number): void => {
  const { world } = played;
  judge(played, ON_WORK, host);
  world.stage[host] = "work";
  world.work_started[host] = world.t;
  interrupt(world, host);
};

const finish = (played: Replay, host: number): void => {
  const { world } = played;
  if (at(world.stage, host) !== "work") {
    blame(played, "start_and_end", `work on ${host} ends that has not begun`);
    return;
  }
  judge(played, ON_WORK_END, host);
  world.stage[host] = "done";
  restore(world, host);
};
