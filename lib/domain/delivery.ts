import * as z from "zod";
import { type ProjectEvent, projectEventSchema } from "./events/project-event.ts";
import { later, secondsUntil } from "./instant.ts";
import { ANSWER_SECONDS, type Receiver, receiverSchema } from "./receiver.ts";

/**
 * One event on its way to one receiver.
 *
 * - `pending`: to be sent, or to be sent again at `next_at`;
 * - `sending`: its attempt is stored, and how it ended is not known yet, or never will be;
 * - `delivered`: the receiver has taken it;
 * - `failed`: given up, and for certain not taken;
 * - `unknown`: given up, and perhaps taken.
 */
export const deliverySchema = z.object({
  schema: z.literal(1),
  receiver: receiverSchema,
  event: projectEventSchema,
  /** The same at each attempt. */
  message_id: z.string(),
  state: z.enum(["pending", "sending", "delivered", "failed", "unknown"]),
  attempts: z.int(),
  next_at: z.string(),
  /** From then on it is not tried again: an answer would change nothing. */
  give_up_at: z.string(),
  attempted_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  last_status: z.int().nullable(),
  /** In our words: what a receiver answers is never kept. */
  last_error: z.string().nullable(),
});
export type Delivery = z.infer<typeof deliverySchema>;

/** What became of one attempt. */
export type Result =
  | { readonly kind: "answered"; readonly status: number }
  /** No answer; `sent` = the receiver may have seen it. `late` = it had all its time. */
  | {
      readonly kind: "silent";
      readonly sent: boolean;
      readonly late: boolean;
      readonly why: string;
    }
  /** It must not be sent there, now or later. */
  | { readonly kind: "refused"; readonly why: string };

/** Seconds before each further attempt; the last one is used again and again. */
const PAUSES = [5, 15, 60, 300, 900, 3_600] as const;

/** The longest of them when something else waits behind it. */
const PAUSE_BEFORE_OTHERS_SECONDS = 60;

/** Longer than this nothing is tried: whoever was away for a day has to look for himself. */
const GIVE_UP_SECONDS = 86_400;

/** The same of the word that an instance has moved, which the project can see for itself. */
const GIVE_UP_DONE_SECONDS = 900;

/** What asks is tried for at least so long after its reply was due. */
const TRIED_SECONDS = 60;

/**
 * So long after its reply was due, or another reply window, a delivery still has its first attempt:
 * its turn may come late, or Lull was away, and then its ask waits longer, too.
 */
const LATE_SECONDS = 3_600;

/**
 * Lanes of one project that are worked at once: a fifth of the sink's places, so that a project whose
 * receivers all hang leaves room for others. It is what one session needs with ten webhooks and ten alarms.
 */
export const MOST_LANES_OF_A_PROJECT = 20;

/** How long a finished delivery can still be looked at, and sent again. */
export const KEPT_SECONDS = 14 * 86_400;

/**
 * How much longer than a receiver's longest answer a worker owns its lane. A worker goes by the
 * time of the event that called it, and an invocation is repeated up to three minutes later.
 * Receivers that know a repeat are not worth that wait.
 */
const MARGIN_SECONDS: Readonly<Record<Receiver["kind"], number>> = { webhook: 10, alarm: 250 };

export const leaseSeconds = (kind: Receiver["kind"]): number =>
  ANSWER_SECONDS[kind] + MARGIN_SECONDS[kind];

/** States of which a second notice does no harm to any application manager. */
const HARMLESS = new Set(["MAINTENANCE", "INSTANCE_ACTION_DONE", "OVERRIDDEN"]);

export const newDelivery = (event: ProjectEvent, receiver: Receiver, id: string): Delivery => ({
  schema: 1,
  receiver,
  event,
  message_id: id,
  state: "pending",
  attempts: 0,
  next_at: event.at,
  give_up_at: giveUpAt(event),
  attempted_at: null,
  finished_at: null,
  last_status: null,
  last_error: null,
});

/** What asks is tried for its reply window and another one, in which its ask is kept open. */
const giveUpAt = ({ at, reply_at, state }: ProjectEvent): string => {
  if (reply_at !== null)
    return later(reply_at, Math.max(TRIED_SECONDS, secondsUntil(at, reply_at)));
  return later(at, state === "INSTANCE_ACTION_DONE" ? GIVE_UP_DONE_SECONDS : GIVE_UP_SECONDS);
};

/** Whether it is too late even for a first attempt. */
const isStale = ({ event: { at, reply_at }, give_up_at }: Delivery, now: string): boolean =>
  give_up_at <= now &&
  (reply_at === null || later(reply_at, Math.max(LATE_SECONDS, secondsUntil(at, reply_at))) <= now);

export const isOpen = ({ state }: Pick<Delivery, "state">): boolean =>
  state === "pending" || state === "sending";

/** Whether the same message may reach the receiver twice: by its kind, or by what it says. */
const mayRepeat = ({ receiver, event }: Delivery): boolean =>
  receiver.kind === "webhook" || HARMLESS.has(event.state);

/**
 * Whether the receiver has had its one chance. An application manager has heard what it answers,
 * be it with an error: Aodh does not ask twice either, and what comes after must not wait for it.
 */
const isHeard = (delivery: Delivery, result: Exclude<Result, { kind: "refused" }>): boolean =>
  result.kind === "answered"
    ? delivery.receiver.kind === "alarm"
    : result.sent && !mayRepeat(delivery);

/**
 * A delivery that others wait behind: it is tried again soon, and where it asks nothing it gives way
 * as soon as the first question behind it should have been answered.
 */
export const hurried = (delivery: Delivery, behind: readonly Delivery[]): Delivery => {
  const { attempted_at, next_at, give_up_at, event } = delivery;
  const waiting = behind.filter(isOpen);
  if (waiting.length === 0 || attempted_at === null) return delivery;
  const asked = event.reply_at === null ? waiting.flatMap((one) => one.event.reply_at ?? []) : [];
  return {
    ...delivery,
    next_at: earliest(next_at, later(attempted_at, PAUSE_BEFORE_OTHERS_SECONDS)),
    give_up_at: earliest(give_up_at, ...asked),
  };
};

const earliest = (at: string, ...others: readonly string[]): string =>
  [at, ...others].toSorted()[0] ?? at;

/** What its lane's worker has to do with the first open delivery. */
export const turnOf = (delivery: Delivery, now: string): "send" | "wait" | "give up" => {
  // The bus tells whole seconds: an event may seem to come before it happened.
  if (delivery.attempts === 0) return isStale(delivery, now) ? "give up" : "send";
  // The worker before this one died between the attempt and its outcome.
  if (delivery.state === "sending" && !mayRepeat(delivery)) return "give up";
  if (delivery.give_up_at <= now) return "give up";
  return delivery.next_at <= now ? "send" : "wait";
};

export const begun = (delivery: Delivery, now: string): Delivery => ({
  ...delivery,
  state: "sending",
  attempts: delivery.attempts + 1,
  attempted_at: now,
});

/** The delivery that is not tried any more. */
export const givenUp = (delivery: Delivery, now: string): Delivery => {
  const perhaps = delivery.state === "sending";
  return {
    ...delivery,
    state: perhaps ? "unknown" : "failed",
    finished_at: now,
    last_error:
      delivery.last_error ??
      (perhaps ? "it is not known how the last attempt ended" : "its time was over"),
  };
};

/** The delivery after an attempt: done with, or to be tried again. */
export const settled = (delivery: Delivery, result: Result, now: string): Delivery => {
  const status = result.kind === "answered" ? result.status : null;
  const told = { ...delivery, last_status: status, last_error: errorOf(result) };
  const finished = (state: Delivery["state"]) => ({ ...told, state, finished_at: now });
  if (status !== null && status >= 200 && status < 300) return finished("delivered");
  // "Gone" is how a receiver says that it wants no more of it.
  if (result.kind === "refused" || status === 410) return finished("failed");
  if (isHeard(delivery, result)) return finished("unknown");
  const pause = PAUSES[Math.min(delivery.attempts, PAUSES.length) - 1] ?? PAUSES[0];
  return { ...told, state: "pending", next_at: earliest(later(now, pause), delivery.give_up_at) };
};

const errorOf = (result: Result): string | null => {
  if (result.kind !== "answered") return result.why;
  const { status } = result;
  return status >= 200 && status < 300 ? null : `the receiver answered ${status}`;
};

/** Whether the project was told, as far as this delivery goes; null = not decided yet. */
export const reachedBy = ({ state }: Pick<Delivery, "state">): "reached" | "not_reached" | null => {
  if (state === "delivered" || state === "unknown") return "reached";
  return state === "failed" ? "not_reached" : null;
};

/** The delivery from the start, for a receiver that lost it. */
export const replayed = (delivery: Delivery, now: string): Delivery => ({
  ...delivery,
  state: "pending",
  attempts: 0,
  next_at: now,
  give_up_at: later(now, GIVE_UP_SECONDS),
  finished_at: null,
});

/** A delivery as the receiver's project sees it. */
export const deliveryViewOf = (delivery: Delivery) => {
  const { event, state, attempts, attempted_at, finished_at } = delivery;
  return {
    message_id: delivery.message_id,
    session_id: event.session_id,
    at: event.at,
    event_state: event.state,
    state,
    attempts,
    next_at: isOpen(delivery) ? delivery.next_at : null,
    attempted_at,
    finished_at,
    last_status: delivery.last_status,
    last_error: delivery.last_error,
  };
};
