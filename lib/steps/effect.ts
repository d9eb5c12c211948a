import { randomUUID } from "node:crypto";
import { FrozenError } from "../domain/errors.ts";
import { mayBeOnItsWay, type NewIntent } from "../store/intents.ts";
import type { HostContext } from "./host-step.ts";

/** The intent of an effect on the host itself: no instance, no target, no group. */
export const onHost = (effect: string, at: string): NewIntent => ({
  effect,
  request_id: `req-${randomUUID()}`,
  at,
  instance_id: null,
  target: null,
  target_device_id: null,
  newest_migration: 0,
  groups: [],
});

/**
 * Stores the intent of an effect on the host itself; that it is there already is as good.
 *
 * @returns the request id under which the effect is made: a repetition carries that of the first
 * @throws FrozenError when nothing may be done to the cloud now
 */
export const beginEffect = async (
  {
    intents,
    ref,
    session,
    run,
  }: Pick<HostContext, "intents" | "ref"> & {
    readonly session: Pick<HostContext["session"], "session_id">;
    readonly run: Pick<HostContext["run"], "host">;
  },
  intent: NewIntent,
): Promise<string> => {
  const begun = await intents.begin(ref, session.session_id, intent);
  if (begun === "frozen")
    throw new FrozenError(`${intent.effect} of ${run.host} is not begun: all is frozen`);
  if (begun !== "exists") return intent.request_id;
  const stored = (await intents.list(ref.run_id)).find(({ effect }) => effect === intent.effect);
  return stored?.request_id ?? intent.request_id;
};

/**
 * Makes an effect that may be made twice without harm: its intent is stored before the call, its
 * outcome after. A step that finds the effect made already calls `settled` instead.
 *
 * @throws FrozenError when nothing may be done to the cloud now
 */
export const makeEffect = async (
  context: HostContext,
  effect: string,
  call: (requestId: string) => Promise<unknown>,
): Promise<void> => {
  await call(await beginEffect(context, onHost(effect, context.now)));
  await settled(context, effect);
};

/**
 * Whether a call for the effect, of which nobody heard how it ended, may yet reach the cloud. None
 * has been made since the host left the phase in which they are: `phase_at` is later than the last.
 */
export const mayYetBeMade = async (
  {
    intents,
    ref,
    run,
    now,
  }: Pick<HostContext, "intents" | "ref" | "now"> & { readonly run: { readonly phase_at: string } },
  effect: string,
): Promise<boolean> =>
  mayBeOnItsWay({ at: run.phase_at }, now) &&
  (await intents.list(ref.run_id)).some(
    (intent) => intent.effect === effect && intent.outcome === null,
  );

/** Stores that the effect has been made; safe to repeat, and when it was never begun. */
export const settled = (
  { intents, ref, now }: Pick<HostContext, "intents" | "ref" | "now">,
  effect: string,
): Promise<void> =>
  intents.finish(ref, { effect, target_device_id: null, groups: [] }, "done", now);
