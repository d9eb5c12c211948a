import { createHash, randomBytes } from "node:crypto";
import { TransientError } from "../domain/errors.ts";
import type { Hook } from "../domain/hook.ts";
import type { ActionRun } from "../domain/host-run.ts";
import { later, secondsUntil } from "../domain/instant.ts";
import type { Intent } from "../domain/move.ts";
import type { Action } from "../domain/session.ts";
import { EgressFailedError, EgressRefusedError, send } from "../egress.ts";
import { egressPolicyOf } from "../egress-policy.ts";
import { beginEffect, onHost } from "./effect.ts";
import type { HostContext } from "./host-step.ts";

/** One action of a host, by its place in the session's list. */
export type ActionTurn = {
  readonly context: HostContext;
  readonly index: number;
  readonly action: ActionRun;
};

/** How an action stands; `seconds` until it is looked at again without news. */
export type Progress = {
  /** `REFUSED` = nobody has begun any work. */
  readonly state: "RUNNING" | "DONE" | "FAILED" | "REFUSED";
  readonly details: string | null;
  /** An admin ended it. */
  readonly released?: boolean;
  readonly seconds: number;
};

const WEBHOOK_TIMEOUT_MS = 20_000;

/** One hook per (session, host, action): a repeated step asks for the same work under the same id. */
export const hookIdOf = ({ context, index }: ActionTurn): string =>
  createHash("sha256").update(`${context.ref.run_id}#${index}`).digest("hex").slice(0, 32);

const orderOf = ({ context, index }: ActionTurn): Action | undefined =>
  context.session.actions[index];

/** Seconds an action may take: its own `ttl_minutes`, never above the operator's limit. */
const ttlSeconds = (turn: ActionTurn): number => {
  const most = turn.context.settings.LULL_ACTION_MINUTES;
  return 60 * Math.min(Number(orderOf(turn)?.metadata["ttl_minutes"] ?? most), most);
};

/**
 * Asks for the work. Its end is reported by callback, or by an admin's release.
 *
 * Work that may have been asked for already is not asked for again: the callback or the TTL decides.
 */
export const startAction = async (turn: ActionTurn): Promise<Progress> => {
  const { context } = turn;
  const { hooks, now, run, session, ref } = context;
  const hookId = hookIdOf(turn);
  const secret = randomBytes(32).toString("base64url");
  const hook = await hooks.add({
    schema: 1,
    hook_id: hookId,
    secrets_sha256: [createHash("sha256").update(secret).digest("hex")],
    run_id: ref.run_id,
    session_id: session.session_id,
    host: run.host,
    expires_at: later(now, ttlSeconds(turn)),
    answer: null,
  });
  if (hook.answer !== null || hook.expires_at <= now) return progressOf(turn, hook);
  if (turn.action.plugin === "webhook") {
    const refusal = await orderWork(turn, { hookId, secret, expires_at: hook.expires_at });
    if (refusal !== null) return { state: "REFUSED", details: refusal, seconds: 0 };
  }
  return {
    state: "RUNNING",
    details: waitingFor(turn, hook),
    seconds: secondsLeft(turn, hook, now),
  };
};

/** Looks what became of the work; null when nobody has been asked for it yet. */
export const watchAction = async (turn: ActionTurn): Promise<Progress | null> => {
  const hook = await turn.context.hooks.find(hookIdOf(turn));
  if (hook === null) return null;
  const begun = turn.action.plugin === "hold" || hook.answer !== null || (await isOrdered(turn));
  return begun ? progressOf(turn, hook) : null;
};

const progressOf = (turn: ActionTurn, hook: Hook): Progress => {
  const { now } = turn.context;
  const { answer, expires_at } = hook;
  const progress = { details: answer?.details ?? null, seconds: 0 };
  if (answer !== null)
    return { ...progress, state: answer.state, released: answer.released ?? false };
  const startedAt = turn.action.started_at ?? now;
  if (secondsLeft(turn, hook, startedAt) > 0)
    return {
      state: "RUNNING",
      details: waitingFor(turn, hook),
      seconds: secondsLeft(turn, hook, startedAt),
    };
  return isTimedHold(turn)
    ? { ...progress, state: "DONE" }
    : { ...progress, state: "FAILED", details: `no word that the work ended by ${expires_at}` };
};

/** What a human is waited for, when one is. */
const waitingFor = (turn: ActionTurn, { expires_at }: Hook): string | null => {
  const { session_id, host } = turn.context.run;
  if (turn.action.plugin !== "hold" || isTimedHold(turn)) return null;
  return `held for your work until ${expires_at}; when it is done: lull maintenance release ${session_id} ${host}`;
};

/** Seconds until the action ends by itself: a timed hold by its time, anything else by its TTL. */
const secondsLeft = (turn: ActionTurn, { expires_at }: Hook, startedAt: string): number => {
  const { now } = turn.context;
  const seconds = Number(orderOf(turn)?.metadata["seconds"]);
  return secondsUntil(now, isTimedHold(turn) ? later(startedAt, seconds) : expires_at);
};

/** A hold without `seconds` lasts until an admin's release. */
const isTimedHold = (turn: ActionTurn): boolean =>
  turn.action.plugin === "hold" && orderOf(turn)?.metadata["seconds"] !== undefined;

type Order = { readonly hookId: string; readonly secret: string; readonly expires_at: string };

/**
 * Orders the work from the webhook's receiver, at most once unless it is sure that the order did
 * not arrive.
 *
 * @returns null when it was taken, or may have been; the refusal of receiver or guard otherwise
 * @throws TransientError when it did not arrive and is to be ordered again
 */
const orderWork = async (turn: ActionTurn, order: Order): Promise<string | null> => {
  const { intents, ref, now } = turn.context;
  const before = await ordersOf(turn);
  if (before.some(mayHaveArrived)) return null;
  const number = String(before.length + 1).padStart(3, "0");
  const intent = onHost(`action#${turn.index}#${number}`, now);
  await beginEffect(turn.context, intent);
  const finish = (outcome: "done" | "failed" | "refused", details: string | null = null) =>
    intents.finish(ref, intent, outcome, now, details);

  const reply = await post(turn, order);
  if (reply === "unknown") return null;
  await finish(reply.taken ? "done" : reply.again ? "failed" : "refused", reply.why);
  if (!reply.taken && reply.again) throw new TransientError(reply.why);
  return reply.taken ? null : reply.why;
};

/** Every order of this action so far. */
const ordersOf = async ({ context, index }: ActionTurn): Promise<Intent[]> => {
  const all = await context.intents.list(context.ref.run_id);
  return all.filter(({ effect }) => effect.startsWith(`action#${index}#`));
};

const mayHaveArrived = ({ outcome }: Intent): boolean => outcome === null || outcome === "done";

const isOrdered = async (turn: ActionTurn): Promise<boolean> =>
  (await ordersOf(turn)).some(mayHaveArrived);

type Reply =
  | { readonly taken: true; readonly why: null }
  /** `again` = it did not arrive, or the receiver asked to come later. */
  | { readonly taken: false; readonly again: boolean; readonly why: string }
  /** It was sent, and nothing certain came back: only the receiver knows. */
  | "unknown";

const post = async (turn: ActionTurn, order: Order): Promise<Reply> => {
  const { context } = turn;
  const { settings, session, run, now } = context;
  const { url = "", ...metadata } = orderOf(turn)?.metadata ?? {};
  // Its query may hold a token, and the message is shown.
  const named = String(url).replace(/[?#].*$/, "");
  const request = {
    url: String(url),
    method: "POST",
    timeoutMs: WEBHOOK_TIMEOUT_MS,
    headers: { "content-type": "application/json", "webhook-id": order.hookId },
    body: JSON.stringify({
      type: "maintenance.work",
      timestamp: now,
      session_id: session.session_id,
      host: run.host,
      metadata,
      expires_at: order.expires_at,
      callback_url: `${settings.LULL_PUBLIC_URL}/v1/callbacks/${order.hookId}`,
      callback_token: order.secret,
    }),
  };
  try {
    const { status } = await send(request, egressPolicyOf(settings));
    if (status >= 200 && status < 300) return { taken: true, why: null };
    const why = `${named} answered ${status}`;
    if (status === 429 || status === 503) return { taken: false, again: true, why };
    // Any other 5xx may come from a proxy in between, after the receiver has begun.
    return status >= 500 ? "unknown" : { taken: false, again: false, why };
  } catch (error) {
    if (error instanceof EgressRefusedError)
      return { taken: false, again: false, why: error.message };
    if (!(error instanceof EgressFailedError)) throw error;
    return error.sent ? "unknown" : { taken: false, again: true, why: error.message };
  }
};
