import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { beginAgenda } from "../../lib/domain/plan/agenda.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { keys, type Table } from "../../lib/store/table.ts";
import { waitFor } from "../../localstack/demo/stage.ts";

/**
 * Has the projects of a session count as told of it once pre-flight is over, and its hosts as put in
 * order, so that its state machine goes on although it does not know how to do either: it is of a
 * time before that was done.
 */
export const announced = async (
  table: Table,
  sessionId: string,
  at: string,
  patienceMs: number,
): Promise<void> => {
  const isLookedThrough = async () =>
    (await sessionStore(table).get(sessionId)).preflight_at !== null || undefined;
  await waitFor("pre-flight", isLookedThrough, patienceMs);
  const agenda = { ...beginAgenda(null, { sessionId, now: at }), took_seconds: 0 };
  await table.client.send(
    new PutCommand({
      TableName: table.name,
      Item: { ...keys.agenda(sessionId), kind: "agenda", ...agenda },
    }),
  );
  await table.client.send(
    new UpdateCommand({
      TableName: table.name,
      Key: keys.session(sessionId),
      UpdateExpression: "SET announced_at = :at",
      ExpressionAttributeValues: { ":at": at },
    }),
  );
};
