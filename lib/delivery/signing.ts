import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";

/**
 * The secret of a subscription, derived from the deployment's key: the table holds nothing by which
 * a webhook could be forged, and whoever has the key needs no other secret.
 *
 * @returns as Standard Webhooks writes it: `whsec_` and base64
 */
export const secretOf = (key: string, subscriptionId: string): string =>
  `whsec_${createHmac("sha256", key).update(`webhook ${subscriptionId}`).digest("base64")}`;

/**
 * Headers by which a receiver knows a repeat, and that it is Lull who speaks.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const signed = (
  secret: string,
  { id, now, body }: { readonly id: string; readonly now: string; readonly body: string },
): Record<string, string> => {
  const at = new Date(now);
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, at, body),
  };
};
