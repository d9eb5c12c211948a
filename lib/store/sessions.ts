import { GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { ConflictError, NotFoundError, SupersededError } from "../domain/errors.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import type { RunRef } from "../domain/run.ts";
import { type Session, sessionSchema } from "../domain/session.ts";
import { getAll } from "./batch-get.ts";
import { transact, type Write } from "./conditions.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { putEvent } from "./outbox.ts";
import { parseRow } from "./rows.ts";
import { checkLive, endRun, putRun } from "./runs.ts";
import { keys, scopes, type Table } from "./table.ts";

export type SessionPage = { readonly sessions: Session[]; readonly cursor: string | null };

type Decision = {
  readonly next: Session;
  readonly event: DomainEvent;
  /** What else is told of it, and to whom. */
  readonly tells?: readonly DomainEvent[];
};

/** The next state of a session and its event, from the newest stored; null = leave it. */
type Decide = (seen: Session) => Decision | null;

/** @throws MalformedError when it is not a cursor of this list */
const startAfter = (cursor: string) => {
  const [createdAndId = ""] = decodeCursor(cursor, /^\d{4}-[^#]+#[0-9a-f-]{36}$/);
  const [createdAt = "", id = ""] = createdAndId.split("#");
  return { ...scopes.sessions(createdAt, id), ...keys.session(id) };
};

/** Tries of a change that lost against another writer of the same session. */
const CHANGE_TRIES = 5;

const row = (session: Session) => ({
  ...keys.session(session.session_id),
  ...scopes.sessions(session.created_at, session.session_id),
  kind: "session",
  ...session,
});

const partition = (sessionId: string) => keys.session(sessionId).PK;

const ifAt = (sequence: number) => ({
  ConditionExpression: "#sequence = :seen",
  ExpressionAttributeNames: { "#sequence": "sequence" },
  ExpressionAttributeValues: { ":seen": sequence },
});

/**
 * The writes that take a session from what was seen to its next state, with the event that tells.
 * Every change of a session counts `sequence`, so that the condition on it catches each race.
 */
export const putNext = (
  table: Table,
  seen: Session,
  { next, event, tells = [] }: Decision,
): Write[] => [
  {
    Put: {
      TableName: table.name,
      Item: row(next),
      ...ifAt(seen.sequence),
    },
  },
  ...[event, ...tells].map((one) => putEvent(table, partition(next.session_id), one)),
];

/** The check that fails a transaction once the session is no longer as it was seen. */
export const checkUnchanged = (
  { name }: Table,
  { session_id, sequence }: Pick<Session, "session_id" | "sequence">,
): Write => ({
  ConditionCheck: { TableName: name, Key: keys.session(session_id), ...ifAt(sequence) },
});

export const sessionStore = (table: Table) => {
  const { client, name } = table;

  const get = async (sessionId: string): Promise<Session> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: name, Key: keys.session(sessionId), ConsistentRead: true }),
    );
    if (Item === undefined) throw new NotFoundError(`no maintenance session ${sessionId}`);
    return parseRow(sessionSchema, Item);
  };

  /**
   * Changes a session together with its event, whoever else writes it.
   *
   * @param fence a write that fails when the run that asks has been taken over
   * @returns the session as it is now
   * @throws SupersededError when the fence does not hold
   * @throws ConflictError when others kept changing it
   */
  const change = async (sessionId: string, decide: Decide, fence?: Write): Promise<Session> => {
    for (let attempt = 0; attempt < CHANGE_TRIES; attempt++) {
      const seen = await get(sessionId);
      const decision = decide(seen);
      if (decision === null) return seen;
      const writes = putNext(table, seen, decision);
      const failed = await transact(table, fence ? [...writes, fence] : writes);
      if (failed === null) return decision.next;
      if (fence && failed.at(-1) === false)
        throw new SupersededError(`the run of session ${sessionId} has been taken over`);
    }
    throw new ConflictError(`maintenance session ${sessionId} keeps changing; try again`);
  };

  return {
    get,

    /** Stores a new session with its run and first event. */
    async open(session: Session, event: DomainEvent, extra: readonly Write[] = []): Promise<void> {
      const { session_id, created_at } = session;
      const run = { run_id: session_id, machine: "session", session_id, host: null } as const;
      const failed = await transact(table, [
        {
          Put: {
            TableName: name,
            Item: row(session),
            ConditionExpression: "attribute_not_exists(PK)",
          },
        },
        ...putRun(table, run, created_at),
        putEvent(table, partition(session_id), event),
        ...extra,
      ]);
      if (failed) throw new ConflictError(`maintenance session ${session_id} exists already`);
    },

    /** Sessions, newest first. */
    async list(limit: number, cursor: string | null): Promise<SessionPage> {
      const { GSI1PK } = scopes.sessions("", "");
      const start = cursor === null ? null : startAfter(cursor);
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: name,
          IndexName: "by_scope",
          KeyConditionExpression: "GSI1PK = :list",
          ExpressionAttributeValues: { ":list": GSI1PK },
          ScanIndexForward: false,
          Limit: limit,
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      return {
        sessions: Items.map((item) => parseRow(sessionSchema, item)),
        cursor: LastEvaluatedKey ? encodeCursor(String(LastEvaluatedKey["GSI1SK"])) : null,
      };
    },

    /** The sessions of these ids by id; those that are not there are left out. */
    async findAll(ids: readonly string[]): Promise<Map<string, Session>> {
      const rows = await getAll(table, ids.map(keys.session));
      const found = rows.map((item) => parseRow(sessionSchema, item));
      return new Map(found.map((session) => [session.session_id, session]));
    },

    change,

    /** The same change made by the session's own run, which must be live. */
    changeAs: (run: RunRef, decide: Decide): Promise<Session> =>
      change(run.run_id, decide, checkLive(table, run)),

    /** The last change of a session: it also ends its run. */
    closeAs: (run: RunRef, decide: Decide): Promise<Session> =>
      change(run.run_id, decide, endRun(table, run)),
  };
};
export type SessionStore = ReturnType<typeof sessionStore>;
