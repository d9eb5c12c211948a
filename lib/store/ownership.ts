import * as z from "zod";
import { SupersededError, TransientError } from "../domain/errors.ts";
import type { HostRun } from "../domain/host-run.ts";
import type { RunRef } from "../domain/run.ts";
import type { Session } from "../domain/session.ts";
import { chunked, getAll } from "./batch-get.ts";
import { transact, type Write } from "./conditions.ts";
import { queryIndex } from "./query.ts";
import { parseRow } from "./rows.ts";
import { checkLive } from "./runs.ts";
import { checkUnchanged } from "./sessions.ts";
import { keys, scopes, type Table } from "./table.ts";

/** Two writes a host plus the fence fit into one transaction of at most 100. */
const CHUNK = 40;
const ownerSchema = z.object({ device_id: z.string(), session_id: z.string() });

const byDevice = (rows: readonly Record<string, unknown>[]): Map<string, string> =>
  new Map(
    rows
      .map((row) => parseRow(ownerSchema, row))
      .map(({ device_id, session_id }) => [device_id, session_id]),
  );

/** The write that makes a session the owner of a host; it fails while another session owns it. */
export const putOwner = (
  { name }: Table,
  { device_id, session_id, phase_at }: Pick<HostRun, "device_id" | "session_id" | "phase_at">,
): Write => ({
  Put: {
    TableName: name,
    Item: {
      ...keys.owner(device_id),
      ...scopes.owners(device_id),
      kind: "owner",
      device_id,
      session_id,
      at: phase_at,
    },
    ConditionExpression: "attribute_not_exists(PK) OR session_id = :session",
    ExpressionAttributeValues: { ":session": session_id },
  },
});

export const ownership = (table: Table) => {
  const { name } = table;

  const claimChunk = async (session: RunRef, runs: readonly HostRun[]): Promise<HostRun[]> => {
    const failed = await transact(table, [
      ...runs.map((run) => putOwner(table, run)),
      ...runs.map((run) => ({
        Update: {
          TableName: name,
          Key: keys.hostRun(run.session_id, run.host),
          ...setAllIfNew({ kind: "host_run", ...run }),
        },
      })),
      checkLive(table, session),
    ]);
    if (failed?.at(-1) === false)
      throw new SupersededError(`run ${session.run_id} has been taken over`);
    return runs.filter((_, position) => failed?.[position] === false);
  };

  return {
    /**
     * Makes the session the owner of hosts, chunk by chunk in the given order, and stores their
     * rows; what it owns already stays as it is. There is no expiry: only `release` frees a host.
     * It stops at the first chunk with a host of another session: as every session claims in the
     * same order, two of them can never wait for each other.
     *
     * @returns the hosts of that chunk that another session owns; empty when all are claimed
     */
    async claim(session: RunRef, runs: readonly HostRun[]): Promise<HostRun[]> {
      for (const chunk of chunked(runs, CHUNK)) {
        const refused = await claimChunk(session, chunk);
        if (refused.length > 0) return refused;
      }
      return [];
    },

    /**
     * Frees the hosts that this session owns; those of others are left alone.
     *
     * @param seen the session as it was when that was decided
     * @returns false when the session has changed since: a host of it may be at work again
     * @throws TransientError when owners changed while they were read; try again
     */
    async release(
      sessionId: string,
      deviceIds: readonly string[],
      seen: Pick<Session, "session_id" | "sequence"> | null = null,
    ): Promise<boolean> {
      for (const chunk of chunked(deviceIds, CHUNK)) {
        const owned = [...(await owners(chunk))].filter(([, session]) => session === sessionId);
        if (owned.length === 0) continue;
        const failed = await transact(table, [
          ...owned.map(([deviceId]) => ({
            Delete: {
              TableName: name,
              Key: keys.owner(deviceId),
              ConditionExpression: "attribute_not_exists(PK) OR session_id = :session",
              ExpressionAttributeValues: { ":session": sessionId },
            },
          })),
          ...(seen === null ? [] : [checkUnchanged(table, seen)]),
        ]);
        if (seen !== null && failed?.at(-1) === false) return false;
        if (failed) throw new TransientError("owners of hosts changed while they were freed");
      }
      return true;
    },

    owners,

    /** Which session owns each owned device of the fleet: for lists, from the index. */
    async all(): Promise<Map<string, string>> {
      const rows = await queryIndex(table, "by_scope", "GSI1PK", scopes.owners("").GSI1PK);
      return byDevice(rows);
    },
  };

  /** Which session owns each of these devices; those that nobody owns are left out. */
  async function owners(deviceIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await getAll(table, deviceIds.map(keys.owner));
    return byDevice(rows);
  }
};
export type Ownership = ReturnType<typeof ownership>;

/** An update that creates the row whole, or leaves every attribute that is there as it is. */
const setAllIfNew = (item: Record<string, unknown>) => {
  const fields = Object.keys(item);
  return {
    UpdateExpression: `SET ${fields.map((_, n) => `#${n} = if_not_exists(#${n}, :${n})`).join(", ")}`,
    ExpressionAttributeNames: Object.fromEntries(fields.map((field, n) => [`#${n}`, field])),
    ExpressionAttributeValues: Object.fromEntries(fields.map((field, n) => [`:${n}`, item[field]])),
  };
};
