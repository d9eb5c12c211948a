import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { SupersededError } from "../domain/errors.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { type Move, moveSchema } from "../domain/move.ts";
import type { RunRef } from "../domain/run.ts";
import { getAll } from "./batch-get.ts";
import { transact, type Write } from "./conditions.ts";
import { putEvent } from "./outbox.ts";
import { queryAfter, queryAll, queryIndex } from "./query.ts";
import { parseRow } from "./rows.ts";
import { checkLive } from "./runs.ts";
import { keys, scopes, type Table } from "./table.ts";

/** The write that says how one move stands. */
export const putMove = ({ name }: Table, move: Move): Write => ({
  Put: {
    TableName: name,
    Item: {
      ...keys.move(move.session_id, move.host, move.instance_id),
      ...scopes.movesOfProject(move.session_id, move.project_id, move.host, move.instance_id),
      kind: "move",
      ...move,
    },
  },
});

export const moveStore = (table: Table) => {
  const { client, name } = table;

  const query = async (sessionId: string, prefix: string): Promise<Move[]> => {
    const rows = await queryAll(table, keys.session(sessionId).PK, prefix);
    return rows.map((row) => parseRow(moveSchema, row));
  };

  return {
    /** Every instance that has left or has to leave a host of the session. */
    list: (sessionId: string): Promise<Move[]> => query(sessionId, "MOVE#"),
    listByHost: (sessionId: string, host: string): Promise<Move[]> =>
      query(sessionId, `MOVE#${host}#`),

    /** The first of them in order of host and instance, at most `limit`. */
    async first(sessionId: string, limit: number): Promise<Move[]> {
      const { PK, SK } = keys.move(sessionId, "", "");
      const rows = await queryAfter(table, PK, SK, limit);
      return rows.filter(({ kind }) => kind === "move").map((row) => parseRow(moveSchema, row));
    },

    /** Those that there are of these, by host and instance. */
    async findAll(
      sessionId: string,
      wanted: readonly { readonly host: string; readonly instanceId: string }[],
    ): Promise<Move[]> {
      const rows = await getAll(
        table,
        wanted.map(({ host, instanceId }) => keys.move(sessionId, host, instanceId)),
      );
      return rows.map((row) => parseRow(moveSchema, row));
    },

    /** Those of one project, and nothing of any other; a moment behind. */
    async listByProject(sessionId: string, projectId: string): Promise<Move[]> {
      const { GSI1PK } = scopes.movesOfProject(sessionId, projectId, "", "");
      const rows = await queryIndex(table, "by_scope", "GSI1PK", GSI1PK);
      return rows.map((row) => parseRow(moveSchema, row));
    },

    /** How the instance stands that has to leave this host; null when nobody has looked yet. */
    async get(sessionId: string, host: string, instanceId: string): Promise<Move | null> {
      const Key = keys.move(sessionId, host, instanceId);
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key, ConsistentRead: true }),
      );
      return Item === undefined ? null : parseRow(moveSchema, Item);
    },

    /**
     * Written by the run of its host only; what it did is told by intents, this is the summary.
     *
     * @param events what the project is told of it, stored with it
     * @throws SupersededError when another generation has taken over
     */
    async put(ref: RunRef, move: Move, events: readonly DomainEvent[] = []): Promise<void> {
      const failed = await transact(table, [
        checkLive(table, ref),
        putMove(table, move),
        ...events.map((event) => putEvent(table, keys.session(move.session_id).PK, event)),
      ]);
      if (failed) throw new SupersededError(`run ${ref.run_id} has been taken over`);
    },
  };
};
export type MoveStore = ReturnType<typeof moveStore>;
