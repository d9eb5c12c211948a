import type { Settings } from "../config.ts";
import type { Result } from "../domain/delivery.ts";
import { ANSWER_SECONDS } from "../domain/receiver.ts";
import { wants } from "../domain/subscription.ts";
import { check, EgressFailedError, type EgressPolicy, EgressRefusedError } from "../egress.ts";
import { egressPolicyOf } from "../egress-policy.ts";
import { readSecret } from "../secrets.ts";
import type { SubscriptionStore } from "../store/subscriptions.ts";
import { post } from "./post.ts";
import type { ReceiverKind } from "./receivers.ts";
import { secretOf, signed } from "./signing.ts";

const CHECK_TIMEOUT_MS = 5_000;

/** Longest wait for the answer to a test: its caller waits, too. */
const TEST_TIMEOUT_MS = 10_000;

type Message = {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** Signed webhooks: how subscriptions are checked, found and sent to. */
export const webhooks = (settings: Settings, subscriptions: SubscriptionStore) => {
  const policy: EgressPolicy = { ...egressPolicyOf(settings), secure: true };
  let key: Promise<string> | undefined;

  const secretFor = async (subscriptionId: string): Promise<string> => {
    key ??= readSecret(settings.WEBHOOK_KEY).catch((error: unknown) => {
      key = undefined;
      throw error;
    });
    return secretOf(await key, subscriptionId);
  };

  const sendMessage = async (
    { subscription_id, url }: { readonly subscription_id: string; readonly url: string },
    { id, ...content }: Message,
    { now, timeoutMs }: { readonly now: string; readonly timeoutMs: number },
  ): Promise<Result> => {
    const body = JSON.stringify(content);
    const headers = signed(await secretFor(subscription_id), { id, now, body });
    return await post({ url, headers, body, timeoutMs }, policy);
  };

  const kind: ReceiverKind = {
    kind: "webhook",
    find: async ({ project_id, type }) =>
      (await subscriptions.list(project_id))
        .filter((subscription) => wants(subscription, type))
        .map(({ subscription_id, url }) => ({
          kind: "webhook",
          receiver_id: subscription_id,
          url,
        })),
    send: async ({ receiver, event, message_id }, now) => {
      const found = await subscriptions.find(event.project_id, receiver.receiver_id);
      if (found === null) return { kind: "refused", why: "the subscription was deleted" };
      const { type, entity: _, sequence: __, at, ...data } = event;
      return await sendMessage(
        found,
        { id: message_id, type, timestamp: at, data },
        { now, timeoutMs: ANSWER_SECONDS.webhook * 1000 },
      );
    },
  };

  return {
    /** Why no webhook may be sent there; null when it may. */
    async objection(url: string): Promise<string | null> {
      try {
        await check({ url, timeoutMs: CHECK_TIMEOUT_MS }, policy);
        return null;
      } catch (error) {
        if (error instanceof EgressRefusedError || error instanceof EgressFailedError)
          return error.message;
        throw error;
      }
    },

    secretFor,

    /** Sends a message that says nothing, now. */
    test: (
      subscription: { readonly subscription_id: string; readonly url: string },
      id: string,
      now: string,
    ): Promise<Result> =>
      sendMessage(
        subscription,
        { id, type: "test", timestamp: now, data: {} },
        { now, timeoutMs: TEST_TIMEOUT_MS },
      ),

    kind,
  };
};
