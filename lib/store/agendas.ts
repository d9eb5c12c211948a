import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { SupersededError } from "../domain/errors.ts";
import { type Agenda, agendaSchema, type Ways } from "../domain/plan/agenda.ts";
import type { RunRef } from "../domain/run.ts";
import { chunked } from "./batch-get.ts";
import { isConditionFailure, transact, type Write } from "./conditions.ts";
import { parseRow } from "./rows.ts";
import { checkLive } from "./runs.ts";
import { keys, type Table } from "./table.ts";

const waysSchema = z.object({
  moves: z.array(z.object({ instance_id: z.string(), to: z.string() })),
});

/** All of it but `strayed_at`, which hosts write meanwhile. */
const putAgenda = ({ name }: Table, { strayed_at: _, session_id, ...agenda }: Agenda): Write => {
  const fields = Object.entries({ kind: "agenda", session_id, ...agenda });
  return {
    Update: {
      TableName: name,
      Key: keys.agenda(session_id),
      UpdateExpression: `SET ${fields.map(([field]) => `#${field} = :${field}`).join(", ")}`,
      ExpressionAttributeNames: Object.fromEntries(fields.map(([field]) => [`#${field}`, field])),
      ExpressionAttributeValues: Object.fromEntries(
        fields.map(([field, value]) => [`:${field}`, value]),
      ),
    },
  };
};

/** Hosts whose ways are written at once: each is some kilobytes, and a transaction takes 4 MB. */
const AT_ONCE = 25;

export type AgendaStore = ReturnType<typeof agendaStore>;

/** In which order sessions take their hosts, and where the instances of the next ones go. */
export const agendaStore = (table: Table) => {
  const { client, name } = table;

  const get = async (Key: { PK: string; SK: string }) =>
    (await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }))).Item;

  const write = async (ref: RunRef, writes: readonly Write[]): Promise<void> => {
    const failed = await transact(table, [checkLive(table, ref), ...writes]);
    if (failed) throw new SupersededError(`run ${ref.run_id} has been taken over`);
  };

  return {
    /** Null before the first one was begun. */
    async get(sessionId: string): Promise<Agenda | null> {
      const row = await get(keys.agenda(sessionId));
      return row === undefined ? null : parseRow(agendaSchema, row);
    },

    /** Where the instances of the host are to go, by id; empty where that is not planned. */
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
        await write(
          ref,
          chunk.map(({ host, moves }) => ({
            Put: {
              TableName: name,
              Item: { ...keys.ways(session_id, host), kind: "ways", schema: 1, moves },
            },
          })),
        );
      await write(ref, [putAgenda(table, agenda)]);
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
