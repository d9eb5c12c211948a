import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { type Answer, type Ask, askSchema } from "../domain/dialogue/ask.ts";
import { SupersededError } from "../domain/errors.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import type { Move } from "../domain/move.ts";
import type { RunRef } from "../domain/run.ts";
import { getAll } from "./batch-get.ts";
import { isConditionFailure, transact } from "./conditions.ts";
import { putMove } from "./moves.ts";
import { putEvent } from "./outbox.ts";
import { queryAll } from "./query.ts";
import { parseRow } from "./rows.ts";
import { checkLive } from "./runs.ts";
import { keys, type Table } from "./table.ts";

type Name = Pick<Ask, "project_id" | "ask_id">;
type Opening = {
  readonly event: DomainEvent;
  /** The moves of the instances it asks about. */
  readonly moves?: readonly Move[];
};

/** What projects are asked in sessions, and what they answer. */
export const askStore = (table: Table) => {
  const { client, name } = table;
  const keyOf = ({ session_id, project_id, ask_id }: Pick<Ask, "session_id"> & Name) =>
    keys.ask(session_id, project_id, ask_id);

  const changeIf = async (
    input: ConstructorParameters<typeof UpdateCommand>[0],
  ): Promise<boolean> => {
    try {
      await client.send(new UpdateCommand(input));
      return true;
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      return false;
    }
  };

  return {
    /**
     * Asks, under the live generation: the ask, its event and the moves it is about are one.
     *
     * @returns false when it was asked before
     * @throws SupersededError when another generation has taken over
     */
    async open(ref: RunRef, ask: Ask, { event, moves = [] }: Opening): Promise<boolean> {
      const failed = await transact(table, [
        checkLive(table, ref),
        {
          Put: {
            TableName: name,
            Item: { ...keyOf(ask), kind: "ask", ...ask },
            ConditionExpression: "attribute_not_exists(PK)",
          },
        },
        putEvent(table, keys.session(ask.session_id).PK, event),
        ...moves.map((move) => putMove(table, move)),
      ]);
      if (failed?.[0] === false) throw new SupersededError(`run ${ref.run_id} has been taken over`);
      return failed === null;
    },

    async get(sessionId: string, { project_id, ask_id }: Name): Promise<Ask | null> {
      const { Item } = await client.send(
        new GetCommand({
          TableName: name,
          Key: keys.ask(sessionId, project_id, ask_id),
          ConsistentRead: true,
        }),
      );
      return Item === undefined ? null : parseRow(askSchema, Item);
    },

    /** Those of the names that are there, in no order. */
    async getAll(sessionId: string, names: readonly Name[]): Promise<Ask[]> {
      const rows = await getAll(
        table,
        names.map(({ project_id, ask_id }) => keys.ask(sessionId, project_id, ask_id)),
      );
      return rows.map((row) => parseRow(askSchema, row));
    },

    /** Everything the project was asked in the session. */
    async listByProject(sessionId: string, projectId: string): Promise<Ask[]> {
      const { PK, SK } = keys.ask(sessionId, projectId, "");
      const rows = await queryAll(table, PK, SK);
      return rows.map((row) => parseRow(askSchema, row));
    },

    /** @returns false when it comes too late: the ask is closed */
    answer: (ask: Ask, answer: Answer): Promise<boolean> =>
      changeIf({
        TableName: name,
        Key: keyOf(ask),
        UpdateExpression: "SET answer = :answer, answers = answers + :one",
        ConditionExpression: "closed_at = :none",
        ExpressionAttributeValues: { ":answer": answer, ":one": 1, ":none": null },
      }),

    /** @returns false when it has been answered since it was read, or was closed before */
    close: (ask: Ask, cameTo: NonNullable<Ask["came_to"]>, now: string): Promise<boolean> =>
      changeIf({
        TableName: name,
        Key: keyOf(ask),
        UpdateExpression: "SET closed_at = :now, came_to = :came_to",
        ConditionExpression: "closed_at = :none AND answers = :seen",
        ExpressionAttributeValues: {
          ":now": now,
          ":came_to": cameTo,
          ":none": null,
          ":seen": ask.answers,
        },
      }),
  };
};
export type AskStore = ReturnType<typeof askStore>;
