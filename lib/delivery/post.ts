import type { Result } from "../domain/delivery.ts";
import {
  EgressFailedError,
  type EgressPolicy,
  EgressRefusedError,
  type EgressRequest,
  send,
} from "../egress.ts";

/** What a receiver answers is not looked at; one that says much is hung up on. */
const LONGEST_ANSWER = 64 * 1024;

/** One POST, and what became of it; nothing of the answer but its status. */
export const post = async (
  request: Pick<EgressRequest, "url" | "headers" | "body" | "timeoutMs">,
  policy: EgressPolicy,
): Promise<Result> => {
  try {
    const { status } = await send({ ...request, method: "POST", maxBytes: LONGEST_ANSWER }, policy);
    return { kind: "answered", status };
  } catch (error) {
    if (error instanceof EgressRefusedError) return { kind: "refused", why: error.message };
    if (!(error instanceof EgressFailedError)) throw error;
    const { sent, late, message } = error;
    return { kind: "silent", sent, late, why: message };
  }
};
