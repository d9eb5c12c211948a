import type { DomainEvent } from "./event.ts";

export const DELIVERY_DUE = "delivery.due";

/**
 * `delivery.due`, for the sink: something waits in this lane, or its worker died. It changes nothing
 * and is kept nowhere; one that is lost comes again a minute later.
 */
export const deliveryDue = (
  { receiver_id, session_id }: { readonly receiver_id: string; readonly session_id: string },
  at: string,
): DomainEvent => ({
  schema: 1,
  type: DELIVERY_DUE,
  entity: `${session_id}/${receiver_id}`,
  sequence: 0,
  at,
  detail: { receiver_id, session_id },
});
