import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { SupersededError } from "../domain/errors.ts";
import { type Agenda, agendaSchema, type Ways } from "../domain/plan/agenda.ts";
import type { RunRef } from "../domain/run.ts";
import { chunked } from "./batch-get.ts";
import { isConditionFailure, transact } from "./conditions.ts";
import { parseRow } from "./rows.ts";
import { checkLive } from "./runs.ts";
import { keys, type Table } from "./table.ts";

const waysSchema = z.object({
  moves: z.array(z.object({ instance_id: z.string(), to: z.string() })),
});

/** Hosts whose ways are written at once: each is some kilobytes, and a transaction takes 4 MB. */
const AT_ONCE = 25;

export type AgendaStore = ReturnType<typeof agendaStore>;

/** In which order sessions take their hosts, and where the instances of the next ones go. */
export const agendaStore = (table: Table) => {
  const { client, name } = table;

  const get = async (Key: { PK: string; SK: string }) =>
    (await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }))).Item;

  const put = async (ref: RunRef, rows: readonly Record<string, unknown>[]): Promise<void> => {
    const failed = await transact(table, [
      checkLive(table, ref),
      ...rows.map((Item) => ({ Put: { TableName: name, Item } })),
    ]);
    if (failed) throw new SupersededError(`generation ${ref.generation} of ${ref.run_id}`);
  };

  return {
    /** Null before the first one was begun. */
    async get(sessionId: string): Promise<Agenda | null> {
      const row = await get(keys.agenda(sessionId));
      return row === undefined ? null : parseRow(agendaSchema, row);
    },

    /** Where the instances of the host are to go, by id, in the order in which they leave; empty where that is not planned. */
    async waysFrom(sessionId: string, host: string): Promise<ReadonlyMap<string, string>> {
      const row = await get(keys.ways(sessionId, host));
      const { moves } = row === undefined ? { moves: [] } : parseRow(waysSchema, row);
      return new Map(moves.map(({ instance_id, to }) => [instance_id, to]));
    },

    /**
     * Stores the agenda after what it refers to.
     *
     * @throws SupersededError when another generation has taken over
     */
    async put(ref: RunRef, agenda: Agenda, ways: readonly Ways[] = []): Promise<void> {
      const { session_id } = agenda;
      for (const chunk of chunked(ways, AT_ONCE))
        await put(
          ref,
          chunk.map(({ host, moves }) => ({
            ...keys.ways(session_id, host),
            kind: "ways",
            schema: 1,
            moves,
          })),
        );
      await put(ref, [{ ...keys.agenda(session_id), kind: "agenda", ...agenda }]);
    },

    /** Notes that an instance goes elsewhere than planned; safe to repeat. */
    async strayed(sessionId: string, now: string): Promise<void> {
      try {
        await client.send(
          new UpdateCommand({
            TableName: name,
            Key: keys.agenda(sessionId),
            UpdateExpression: "SET strayed_at = :now",
            ConditionExpression: "attribute_exists(PK)",
            ExpressionAttributeValues: { ":now": now },
          }),
        );
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
      }
    },
  };
};
