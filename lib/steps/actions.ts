import { createHash, randomBytes } from "node:crypto";
import { TransientError } from "../domain/errors.ts";
import type { ActionRun } from "../domain/host-run.ts";
import { later, secondsUntil } from "../domain/instant.ts";
import type { Action } from "../domain/session.ts";
import { EgressRefusedError, send } from "../egress.ts";
import { makeEffect } from "./effect.ts";
import type { HostContext } from "./host-step.ts";

/** One action of a host, by its place in the session's list. */
export type ActionTurn = {
  readonly context: HostContext;
  readonly index: number;
  readonly action: ActionRun;
};

/** How an action stands; `seconds` until it is looked at again without news. */
export type Progress = {
  readonly state: "RUNNING" | "DONE" | "FAILED";
  readonly hookId: string;
  readonly details: string | null;
  readonly seconds: number;
};

const WEBHOOK_TIMEOUT_MS = 20_000;

/** One hook per (session, host, action): a repeated step asks for the same work under the same id. */
const hookIdOf = ({ context, index }: ActionTurn): string =>
  createHash("sha256").update(`${context.ref.run_id}#${index}`).digest("hex").slice(0, 32);

const orderOf = ({ context, index }: ActionTurn): Action | undefined =>
  context.session.actions[index];

/** Seconds an action may take: its own `ttl_minutes`, never above the operator's limit. */
const ttlSeconds = (turn: ActionTurn): number => {
  const most = turn.context.settings.LULL_ACTION_MINUTES;
  return 60 * Math.min(Number(orderOf(turn)?.metadata["ttl_minutes"] ?? most), most);
};

/** Asks for the work. Its end is reported by callback, or by an admin's release. */
export const startAction = async (turn: ActionTurn): Promise<Progress> => {
  const { context } = turn;
  const { hooks, now, run, session, ref } = context;
  const hookId = hookIdOf(turn);
  const secret = randomBytes(32).toString("base64url");
  const expires_at = later(now, ttlSeconds(turn));
  await hooks.add({
    schema: 1,
    hook_id: hookId,
    secrets_sha256: [createHash("sha256").update(secret).digest("hex")],
    run_id: ref.run_id,
    session_id: session.session_id,
    host: run.host,
    expires_at,
    answer: null,
  });
  const running = { state: "RUNNING", hookId, details: null } as const;
  if (turn.action.plugin === "hold") return { ...running, seconds: holdSeconds(turn) };
  const refusal = await postWork(turn, { hookId, secret, expires_at });
  return refusal === null
    ? { ...running, seconds: ttlSeconds(turn) }
    : { state: "FAILED", hookId, details: refusal, seconds: 0 };
};

/** Looks what became of the work: answered, held long enough, or overdue. */
export const watchAction = async (turn: ActionTurn): Promise<Progress> => {
  const { hooks, now } = turn.context;
  const hookId = hookIdOf(turn);
  const { answer, expires_at } = await hooks.get(hookId);
  const progress = { hookId, details: answer?.details ?? null, seconds: 0 };
  if (answer !== null) return { ...progress, state: answer.state };
  const startedAt = turn.action.started_at ?? now;
  const held = secondsUntil(now, later(startedAt, holdSeconds(turn)));
  if (turn.action.plugin === "hold" && isTimed(turn) && held <= 0)
    return { ...progress, state: "DONE" };
  const left = secondsUntil(now, expires_at);
  if (left <= 0)
    return {
      ...progress,
      state: "FAILED",
      details: `no word that the work ended by ${expires_at}`,
    };
  return { ...progress, state: "RUNNING", seconds: Math.min(left, Math.max(held, 1)) };
};

const isTimed = (turn: ActionTurn): boolean => orderOf(turn)?.metadata["seconds"] !== undefined;

/** How long a hold lasts by itself; one without `seconds` lasts until an admin's release. */
const holdSeconds = (turn: ActionTurn): number =>
  isTimed(turn) ? Number(orderOf(turn)?.metadata["seconds"]) : ttlSeconds(turn);

type Order = { readonly hookId: string; readonly secret: string; readonly expires_at: string };

/**
 * POSTs the order to the webhook's URL.
 *
 * @returns null when it was taken; the receiver's or the guard's refusal otherwise
 * @throws TransientError when the receiver should be asked again, under the same id
 */
const postWork = async (turn: ActionTurn, order: Order): Promise<string | null> => {
  const { context, index } = turn;
  const { settings, session, run, now } = context;
  const { url = "", ...metadata } = orderOf(turn)?.metadata ?? {};
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
  const policy = {
    allow: settings.LULL_EGRESS_ALLOW,
    deny: [new URL(settings.LULL_PUBLIC_URL).host],
  };
  let status = 0;
  try {
    await makeEffect(context, `action#${index}`, async () => {
      status = (await send(request, policy)).status;
    });
  } catch (error) {
    if (error instanceof EgressRefusedError) return error.message;
    throw error;
  }
  if (status >= 500 || status === 429) throw new TransientError(`${url} answered ${status}`);
  return status >= 200 && status < 300 ? null : `${url} answered ${status}`;
};
