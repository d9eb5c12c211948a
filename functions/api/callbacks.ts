import { createHash, timingSafeEqual } from "node:crypto";
import { readSettings } from "../../lib/config.ts";
import { NotFoundError } from "../../lib/domain/errors.ts";
import { answerSchema, type Hook, hookIdSchema } from "../../lib/domain/hook.ts";
import {
  type ApiRequest,
  api,
  parseBody,
  pathParameter,
  type Reply,
} from "../../lib/lambda/api.ts";
import { hookStore } from "../../lib/store/hooks.ts";
import { openTable } from "../../lib/store/table.ts";

const hooks = hookStore(openTable(readSettings().TABLE_NAME));

/** Compared without telling by its time how much was right. */
const opens = ({ secrets_sha256 }: Hook, secret: string): boolean => {
  const given = createHash("sha256").update(secret).digest();
  return secrets_sha256.some((known) => timingSafeEqual(Buffer.from(known, "hex"), given));
};

/**
 * The end of a host's work, told by whoever did it. The secret is good for one answer; a wrong one
 * learns no more than that of a callback that does not exist. The same answer again is taken.
 */
const answerHook = async (request: ApiRequest): Promise<Reply> => {
  const { params, headers, now } = request;
  const hook = await hooks.get(pathParameter(params["id"], hookIdSchema));
  const secret = headers["authorization"]?.replace(/^Bearer /, "") ?? "";
  const isOver = hook.answer === null && hook.expires_at < now;
  if (!opens(hook, secret) || isOver) throw new NotFoundError("no such callback");
  const answer = parseBody(answerSchema, request);
  if (hook.answer?.state !== answer.state)
    await hooks.answer(hook.hook_id, {
      state: answer.state,
      details: answer.details ?? null,
      at: now,
      released: false,
    });
  return { status: 200, body: {} };
};

export const handler = api([
  { method: "POST", path: "/v1/callbacks/{id}", allow: "anyone", run: answerHook },
]);
