import type { Delivery, Result } from "../domain/delivery.ts";
import type { ProjectEvent } from "../domain/events/project-event.ts";
import type { Receiver } from "../domain/receiver.ts";

/**
 * One kind of receivers: who of a project is to get an event, and how one of them is sent it. A new
 * kind is a file that makes one of these, and its place in the list of functions/sinks/notify.ts.
 */
export type ReceiverKind = {
  readonly kind: Receiver["kind"];
  /** @throws when it cannot be found out now: the event comes again */
  readonly find: (event: ProjectEvent) => Promise<readonly Receiver[]>;
  /**
   * Makes one attempt, which is stored already.
   *
   * @throws only when it is not known whether anything was sent
   */
  readonly send: (delivery: Delivery, now: string) => Promise<Result>;
};

export type Found = {
  readonly receivers: readonly Receiver[];
  /** Why some could not be found out. */
  readonly failures: readonly unknown[];
};

/** Everybody who is to get the event; a kind that cannot tell now does not hold up the others. */
export const receiversOf = async (
  kinds: readonly ReceiverKind[],
  event: ProjectEvent,
): Promise<Found> => {
  const asked = await Promise.allSettled(kinds.map(({ find }) => find(event)));
  return {
    receivers: asked.flatMap((one) => (one.status === "fulfilled" ? one.value : [])),
    failures: asked.flatMap((one) => (one.status === "rejected" ? [one.reason] : [])),
  };
};

/** Sends by the delivery's own kind. */
export const sendBy =
  (kinds: readonly ReceiverKind[]): ReceiverKind["send"] =>
  async (delivery, now) => {
    const { kind } = delivery.receiver;
    const known = kinds.find((one) => one.kind === kind);
    if (known) return await known.send(delivery, now);
    return { kind: "refused", why: `this Lull does not send to receivers of kind ${kind}` };
  };
