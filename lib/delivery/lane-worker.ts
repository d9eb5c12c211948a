import { createHash } from "node:crypto";
import {
  begun,
  type Delivery,
  givenUp,
  hurried,
  isOpen,
  leaseSeconds,
  type Result,
  reachedBy,
  settled,
  turnOf,
} from "../domain/delivery.ts";
import { isReachKept } from "../domain/events/project-event.ts";
import { later, secondsUntil } from "../domain/instant.ts";
import { ANSWER_SECONDS } from "../domain/receiver.ts";
import type { PassingTime } from "../lambda/passing-time.ts";
import type { DeliveryStore } from "../store/deliveries.ts";
import { keyOf, type Lane, type LaneRef, type LaneStore, type Placed } from "../store/lanes.ts";
import type { PlaceStore } from "../store/places.ts";
import type { ReceiverKind } from "./receivers.ts";

/** A worker that has not begun anything yet owns its lane this long. */
const CLAIM_SECONDS = 60;

/** A repeat that is due so soon is waited for; the janitor, who sees to later ones, comes once a minute. */
const PATIENCE_SECONDS = 15;

/** A lane for which its project has no place comes back after so long, and up to so much later. */
const PUT_OFF_SECONDS = 60;
const SPREAD_SECONDS = 120;

/** Seconds a worker needs to store an outcome and give its lane back. */
const LEAVE_SECONDS = 15;

type Options = {
  readonly lanes: LaneStore;
  readonly deliveries: DeliveryStore;
  readonly places: PlaceStore;
  readonly send: ReceiverKind["send"];
};

/** A delivery, and how its last attempt by this worker ended. */
type Stand = { readonly delivery: Delivery; readonly last: Result | null };

/** A delivery by its place in the lane, and what is behind it, as far as it is read at once. */
type Queued = Placed & { readonly behind: readonly Delivery[] };

/** The lane is left until then. */
type Leaving = { readonly dueAt: string };

const nextStep = (
  { delivery, last }: Stand,
  time: PassingTime,
): "send" | "wait" | "give up" | Leaving => {
  const now = time.now();
  const turn = turnOf(delivery, now);
  if (turn === "give up") return turn;
  if (turn === "wait" && !isWaitedFor(delivery, last, now)) return { dueAt: delivery.next_at };
  if (time.secondsLeft() < ANSWER_SECONDS[delivery.receiver.kind] + 2 * LEAVE_SECONDS)
    return { dueAt: turn === "wait" ? delivery.next_at : now };
  return turn;
};

/** Whether the delivery's next attempt is near, and its receiver one that answers, if only with failures. */
const isWaitedFor = (delivery: Delivery, last: Result | null, now: string): boolean => {
  const answers =
    last === null ? delivery.last_status !== null : !(last.kind === "silent" && last.late);
  return answers && secondsUntil(now, delivery.next_at) <= PATIENCE_SECONDS;
};

/**
 * Works one lane: its deliveries one after the other, lowest first, each attempt stored before it
 * is made. What cannot be sent now holds up what comes after it, in this lane and nowhere else.
 *
 * A worker that finds the lane at work leaves at once: who works it looks again before it leaves. So
 * does one that finds as many lanes of the project at work as it may have, and the janitor comes back.
 */
export const laneWorker = ({ lanes, deliveries, places, send }: Options) => {
  const finish = async (before: Delivery, after: Delivery): Promise<boolean> => {
    const outcome = reachedBy(after);
    if (isReachKept(after.event) && outcome !== null && after.finished_at !== null)
      await deliveries.noteReached(after.event, after.receiver.receiver_id, {
        outcome,
        now: after.finished_at,
      });
    return await lanes.settle(before, after);
  };

  /** Makes an attempt that is stored; null when the lane is another's by now. */
  const make = async (sending: Delivery, time: PassingTime): Promise<Stand | null> => {
    const last = await send(sending, sending.attempted_at ?? time.now());
    const after = settled(sending, last, time.now());
    return (await finish(sending, after)) ? { delivery: after, last } : null;
  };

  const attempt = async (
    lane: Lane,
    delivery: Delivery,
    time: PassingTime,
  ): Promise<Stand | null> => {
    const now = time.now();
    const sending = begun(delivery, now);
    const stored = await lanes.begin(lane, delivery, sending, leaseFrom(delivery, now));
    return stored ? await make(sending, time) : null;
  };

  /** One step of a delivery, and how it stands then; null = the lane is another's by now. */
  const advance = async (
    lane: Lane,
    stand: Stand,
    time: PassingTime,
  ): Promise<Stand | Leaving | null> => {
    const { delivery, last } = stand;
    const step = nextStep(stand, time);
    if (step === "send") return await attempt(lane, delivery, time);
    if (step === "wait") {
      await time.waitUntil(delivery.next_at);
      return stand;
    }
    if (step !== "give up") return step;
    const after = givenUp(delivery, time.now());
    return (await finish(delivery, after)) ? { delivery: after, last } : null;
  };

  /** Brings one delivery to its end, or says when it goes on; `lost` = the lane is another's. */
  const bring = async (
    lane: Lane,
    { delivery, behind }: Queued,
    time: PassingTime,
  ): Promise<"finished" | "lost" | Leaving> => {
    let stand: Stand = { delivery: hurried(delivery, behind), last: null };
    while (isOpen(stand.delivery)) {
      const next = await advance(lane, stand, time);
      if (next === null) return "lost";
      if ("dueAt" in next) return next;
      stand = { ...next, delivery: hurried(next.delivery, behind) };
    }
    return "finished";
  };

  async function* deliveriesOf(lane: Lane): AsyncGenerator<Queued> {
    for (let after = lane.done_until; ; ) {
      const page = await lanes.next(lane, after);
      for (const [n, placed] of page.entries()) {
        const behind = page.slice(n + 1).map(({ delivery }) => delivery);
        yield { ...placed, behind };
      }
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.key;
    }
  }

  /** Works what is there; where the lane stands then, null = it is another's. */
  const drain = async (lane: Lane, time: PassingTime) => {
    let doneUntil = lane.done_until;
    for await (const queued of deliveriesOf(lane)) {
      const end = await bring(lane, queued, time);
      if (end === "lost") return null;
      if (end !== "finished") return { doneUntil, dueAt: end.dueAt };
      doneUntil = queued.key;
    }
    return { doneUntil, dueAt: null };
  };

  /** Works the lane until nothing is in it that can be sent now. */
  const workOn = async (claimed: Lane | null, time: PassingTime): Promise<void> => {
    let lane = claimed;
    while (lane !== null) {
      const stand = await drain(lane, time);
      if (stand === null || (await lanes.release(lane, stand.doneUntil, stand.dueAt))) return;
      lane = await lanes.renew(lane, later(time.now(), CLAIM_SECONDS));
    }
  };

  const hasPlace = async (lane: Lane, now: string): Promise<boolean> => {
    const { project_id } = lane;
    if (project_id === null || (await places.take(project_id, lane, now))) return true;
    await places.tidy(project_id, now);
    return await places.take(project_id, lane, now);
  };

  /** Leaves the lane as it is to the janitor, who has others to see to first. */
  const putOff = async (claimed: Lane, time: PassingTime): Promise<void> => {
    const dueAt = later(time.now(), PUT_OFF_SECONDS + spreadOf(claimed));
    let lane: Lane | null = claimed;
    while (lane !== null && !(await lanes.release(lane, null, dueAt)))
      lane = await lanes.renew(lane, later(time.now(), CLAIM_SECONDS));
  };

  const work = async (ref: LaneRef, time: PassingTime): Promise<void> => {
    const now = time.now();
    const lane = await lanes.claim(ref, now, later(now, CLAIM_SECONDS));
    if (lane === null) return;
    if (await hasPlace(lane, now)) await workOn(lane, time);
    else await putOff(lane, time);
  };

  return {
    work,

    /**
     * Brings a new delivery into its lane and works that. Into one where nothing waits it comes
     * with its first attempt in one write, so that it is sent at once; anywhere else it queues up.
     */
    async deliver(delivery: Delivery, time: PassingTime): Promise<void> {
      const now = time.now();
      const ref = {
        receiver_id: delivery.receiver.receiver_id,
        session_id: delivery.event.session_id,
      };
      const sending = begun(delivery, now);
      const isFree =
        turnOf(delivery, now) === "send" &&
        (await places.take(delivery.event.project_id, ref, now));
      const held = isFree ? await lanes.start(sending, now, leaseFrom(delivery, now)) : null;
      if (held === null) {
        await lanes.append(delivery, now);
        return await work(ref, time);
      }
      const stand = await make(sending, time);
      if (stand === null) return;
      // What is tried again soon is waited for like anything else in the lane.
      if (!isOpen(stand.delivery) && (await lanes.release(held, keyOf(delivery), null))) return;
      const lane = await lanes.renew(held, later(time.now(), CLAIM_SECONDS));
      await workOn(lane, time);
    },
  };
};

const leaseFrom = ({ receiver }: Delivery, now: string): string =>
  later(now, leaseSeconds(receiver.kind));

/** Seconds by which the lane comes later than others: always the same, and for each lane others. */
const spreadOf = ({ receiver_id, session_id }: LaneRef): number =>
  createHash("sha256").update(`${receiver_id}#${session_id}`).digest().readUInt32BE() %
  (SPREAD_SECONDS + 1);
