import * as z from "zod";
import { type Finding, InvalidError } from "../errors.ts";
import { instantSchema } from "../instant.ts";
import { OWNER_ACTIONS, type OwnerAction, ownerActionSchema } from "./action.ts";
import type { Answer, Ask } from "./ask.ts";

/**
 * Body of a project's reply, as the real clients of Fenix send it: whatever else they add is
 * ignored. `reason` and `not_before` are ours, and go with a refusal.
 */
export const replySchema = z.object({
  state: z.string().regex(/^N?ACK_[A-Z_]{1,64}$/, "is ACK_ or NACK_ and a state"),
  /** Style `default`: by instance. */
  instance_actions: z.record(z.string(), ownerActionSchema).default({}),
  /** Style `vnf`: of the instance in the path. */
  instance_action: ownerActionSchema.optional(),
  reason: z.string().max(500).optional(),
  not_before: instantSchema.optional(),
});
export type Reply = z.infer<typeof replySchema>;

/** Who answers what, when; `instance` is the one in the path, or null. */
type Replying = { readonly instance: string | null; readonly by: string; readonly now: string };

/**
 * The asks that a reply speaks of: of its state, and of the instances that it names, if it names
 * any. Who answers for those on one host has not thought of those on another yet.
 */
export const asksOf = (
  asks: readonly Ask[],
  { state, instance_actions }: Reply,
  instance: string | null,
): Ask[] => {
  const named = new Set(instance === null ? Object.keys(instance_actions) : [instance]);
  return asks.filter(
    (ask) =>
      state.replace(/^N?ACK_/, "") === ask.state &&
      (named.size === 0 || ask.instance_ids.some((id) => named.has(id))),
  );
};

/**
 * The answer that a reply gives to an ask.
 *
 * @throws InvalidError when it chooses an action that the ask does not allow
 */
export const answerTo = (ask: Ask, reply: Reply, { instance, by, now }: Replying): Answer => {
  const { instance_action, instance_actions } = reply;
  const actions = Object.fromEntries(
    ask.instance_ids.flatMap((id) => {
      const isMeant = instance === null || instance === id;
      const chosen = (isMeant ? instance_action : undefined) ?? instance_actions[id];
      return chosen === undefined ? [] : [[id, chosen] as const];
    }),
  );
  const refused = Object.entries(actions).filter(([, one]) => !ask.allowed_actions.includes(one));
  if (refused.length > 0)
    throw new InvalidError(
      "some actions are not allowed",
      refused.map(([id, action]) => notAllowed(ask, id, action)),
    );
  return {
    ack: reply.state.startsWith("ACK_"),
    at: now,
    by,
    actions,
    reason: reply.reason ?? null,
    not_before: reply.not_before ?? null,
    override: null,
  };
};

const notAllowed = (ask: Ask, id: string, action: OwnerAction): Finding => ({
  path: `instance_actions.${id}`,
  code: "action_not_allowed",
  message: `${action} is not one of ${ask.allowed_actions.join(", ") || "none"}; there are ${OWNER_ACTIONS.join(", ")}`,
});

/** Whether both say the same, whenever it was said: a repetition changes nothing. */
export const isSameAnswer = (one: Answer | null, other: Answer): boolean =>
  one !== null &&
  JSON.stringify({ ...one, at: "", by: "" }) === JSON.stringify({ ...other, at: "", by: "" });
