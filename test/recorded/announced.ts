import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { sessionStore } from "../../lib/store/sessions.ts";
import { keys, type Table } from "../../lib/store/table.ts";
import { waitFor } from "../../localstack/demo/stage.ts";

/**
 * Has the projects of a session count as told of it once pre-flight is over, so that its state
 * machine goes on although it does not know how to tell them: it is of a time before they were.
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
  await table.client.send(
    new UpdateCommand({
      TableName: table.name,
      Key: keys.session(sessionId),
      UpdateExpression: "SET announced_at = :at",
      ExpressionAttributeValues: { ":at": at },
    }),
  );
};
