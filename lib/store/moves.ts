import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { type Move, moveSchema } from "../domain/move.ts";
import { queryAll } from "./query.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

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

    /** How the instance stands that has to leave this host; null when nobody has looked yet. */
    async get(sessionId: string, host: string, instanceId: string): Promise<Move | null> {
      const Key = keys.move(sessionId, host, instanceId);
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key, ConsistentRead: true }),
      );
      return Item === undefined ? null : parseRow(moveSchema, Item);
    },

    /** Written by the run of its host only; what it did is told by intents, this is the summary. */
    async put(move: Move): Promise<void> {
      const Item = {
        ...keys.move(move.session_id, move.host, move.instance_id),
        kind: "move",
        ...move,
      };
      await client.send(new PutCommand({ TableName: name, Item }));
    },
  };
};
export type MoveStore = ReturnType<typeof moveStore>;
