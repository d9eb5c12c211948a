import * as z from "zod";
import { later } from "../instant.ts";
import type { Reach } from "../reach.ts";
import { ownerActionSchema } from "./action.ts";

/** States of `maintenance.scheduled` that a project may answer, spelled as Fenix spells them. */
const ASKED_STATES = [
  "MAINTENANCE",
  "SCALE_IN",
  "PREPARE_MAINTENANCE",
  "PLANNED_MAINTENANCE",
  "MAINTENANCE_COMPLETE",
] as const;
export type AskedState = (typeof ASKED_STATES)[number];

/** How the owner of the asked instances answered; the last word before the ask is closed counts. */
const answerSchema = z.object({
  ack: z.boolean(),
  at: z.string(),
  by: z.string(),
  /** What is to be done, by instance; one that is missing is left to its standing wish. */
  actions: z.record(z.string(), ownerActionSchema),
  reason: z.string().nullable(),
  /** When the owner would have it rather; only with a refusal. */
  not_before: z.string().nullable(),
  /** An admin answered over the owner's head, in these words. */
  override: z.string().nullable().default(null),
});
export type Answer = z.infer<typeof answerSchema>;

/**
 * One question to one project: what it is about, until when it may be answered, and what was
 * answered. It is stored in the transaction that stores its event, so nobody is asked that cannot
 * answer, and never twice.
 */
export const askSchema = z.object({
  schema: z.literal(1),
  session_id: z.string(),
  project_id: z.string(),
  /** Unique among the asks of the project in the session; tells nothing of hosts. */
  ask_id: z.string(),
  /** The run that waits for the answer. */
  run_id: z.string(),
  state: z.enum(ASKED_STATES),
  instance_ids: z.array(z.string()),
  allowed_actions: z.array(ownerActionSchema),
  /** False = a notice: nobody listens, so nobody is waited for. */
  expects_reply: z.boolean(),
  asked_at: z.string(),
  reply_at: z.string(),
  actions_at: z.string().nullable(),
  /** With SCALE_IN, how much room is missing: MiB of MEMORY_MB, or VCPU. */
  missing: z.record(z.string(), z.number()).nullable(),
  answer: answerSchema.nullable(),
  /** Counts the answers, so that whoever closes the ask knows that it has seen the last. */
  answers: z.int(),
  /** From now on an answer comes too late. */
  closed_at: z.string().nullable(),
  /** What the ask had come to when it was closed; null while it is open. */
  came_to: z.enum(["answered", "silent", "not_reached", "notice", "withdrawn"]).nullable(),
});
export type Ask = z.infer<typeof askSchema>;

/**
 * What an ask amounts to: `silent` = the project heard it and said nothing in time; `not_reached` =
 * nothing of ours has got through to it; `notice` = nobody was to answer; `withdrawn` = it was over
 * before anybody answered.
 */
export type Hearing =
  | { readonly kind: "open"; readonly until: string }
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "silent" | "not_reached" | "notice" | "withdrawn" };

/** At least so much of a reply window is left after nobody could have answered. */
const GRACE_SECONDS = 60;

/** So long after its window an ask waits for its turn among all that its receivers are told. */
const TURN_SECONDS = 900;

/** How often it is looked at then. */
const LOOK_SECONDS = 30;

/** The reply window of the ask, in seconds. */
const windowOf = ({ asked_at, reply_at }: Pick<Ask, "asked_at" | "reply_at">): number =>
  Math.max(0, (Date.parse(reply_at) - Date.parse(asked_at)) / 1000);

/**
 * Until when the ask may be answered. A time in which nobody could answer, because Lull or the
 * cloud was unwell, or the project not yet told, does not count: after it at least the window, or a
 * minute of it, is left.
 *
 * @param ableSince since when it could be answered; null = ever since it was asked
 */
export const deadlineOf = (
  ask: Pick<Ask, "asked_at" | "reply_at">,
  ableSince: string | null,
): string => {
  if (ableSince === null || ableSince <= ask.asked_at) return ask.reply_at;
  const rest = later(ableSince, Math.min(windowOf(ask), GRACE_SECONDS));
  return [rest, ask.reply_at].toSorted()[1] ?? ask.reply_at;
};

/** What an ask has come to, once it is closed; open until then, whatever the time. */
export const heardIn = ({ came_to, answer, reply_at }: Ask): Hearing => {
  if (came_to === null) return { kind: "open", until: reply_at };
  if (came_to !== "answered") return { kind: came_to };
  if (answer === null) throw new Error("an ask was closed as answered without an answer");
  return { kind: "answered", answer };
};

/**
 * What is known of the ask by now. Whoever is not told yet is waited for, a quarter of an hour or
 * another window at most: a receiver that fails is given up before, but one that is told of many
 * instances one after the other hears of the last of them late.
 */
export const hearingOf = (
  ask: Ask,
  { now, wellSince, reach }: { now: string; wellSince: string | null; reach: Reach },
): Hearing => {
  if (ask.answer !== null) return { kind: "answered", answer: ask.answer };
  if (!ask.expects_reply) return { kind: "notice" };
  const [ableSince = null] = [wellSince, reach.since]
    .filter((at) => at !== null)
    .toSorted()
    .reverse();
  const until = deadlineOf(ask, ableSince);
  if (now < until) return { kind: "open", until };
  if (reach.kind === "reached") return { kind: "silent" };
  const patience = later(until, Math.max(TURN_SECONDS, windowOf(ask)));
  if (reach.kind !== "pending" || now >= patience) return { kind: "not_reached" };
  // Nobody says when it has been delivered, or given up.
  const [soon = patience] = [later(now, LOOK_SECONDS), patience].toSorted();
  return { kind: "open", until: soon };
};
