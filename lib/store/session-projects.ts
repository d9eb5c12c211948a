import { GetCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import {
  MOST_INSTANCES,
  type SessionProject,
  sessionProjectSchema,
} from "../domain/session-project.ts";
import { isConditionFailure } from "./conditions.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { queryAll } from "./query.ts";
import { parseRow } from "./rows.ts";
import { keys, scopes, type Table } from "./table.ts";

export type SessionProjectPage = {
  readonly projects: SessionProject[];
  readonly cursor: string | null;
};

/** Which sessions concern which project. */
export const sessionProjectStore = (table: Table) => {
  const { client, name } = table;

  return {
    /**
     * Notes that the session concerns the project; safe to repeat. It is a write of its own: all
     * hosts of a session that serve the project share this row, and in the transactions of their
     * steps they would keep making each other's fail. As it only ever grows, it needs no fence either.
     */
    async add(project: SessionProject): Promise<void> {
      const { session_id, project_id, created_at, instance_ids } = project;
      const fields = {
        ...scopes.sessionsOfProject(project_id, created_at, session_id),
        kind: "session_project",
        schema: 1,
        session_id,
        project_id,
        created_at,
      };
      const names = Object.keys(fields);
      const some = instance_ids.length > 0;
      try {
        await client.send(
          new UpdateCommand({
            TableName: name,
            Key: keys.sessionProject(session_id, project_id),
            UpdateExpression: `SET ${names.map((field) => `#${field} = :${field}`).join(", ")}${some ? " ADD instance_ids :ids" : ""}`,
            ConditionExpression: some
              ? "attribute_not_exists(instance_ids) OR size(instance_ids) < :most"
              : "attribute_not_exists(PK)",
            ExpressionAttributeNames: Object.fromEntries(
              names.map((field) => [`#${field}`, field]),
            ),
            ExpressionAttributeValues: {
              ...Object.fromEntries(
                Object.entries(fields).map(([key, value]) => [`:${key}`, value]),
              ),
              ...(some && { ":ids": new Set(instance_ids), ":most": MOST_INSTANCES }),
            },
          }),
        );
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
      }
    },

    /** Every project that the session concerns, with its instances; read strongly. */
    async ofSession(sessionId: string): Promise<SessionProject[]> {
      const rows = await queryAll(table, keys.session(sessionId).PK, "PROJECT#");
      return rows.map((row) => parseRow(sessionProjectSchema, row));
    },

    /** Null when the session does not concern the project, or there is no such session. */
    async get(sessionId: string, projectId: string): Promise<SessionProject | null> {
      const Key = keys.sessionProject(sessionId, projectId);
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key, ConsistentRead: true }),
      );
      return Item === undefined ? null : parseRow(sessionProjectSchema, Item);
    },

    /**
     * What concerns the project, the newest session first; a moment behind.
     *
     * @throws MalformedError when it is not a cursor of such a list
     */
    async list(
      projectId: string,
      limit: number,
      cursor: string | null,
    ): Promise<SessionProjectPage> {
      const start = cursor === null ? null : startAfter(projectId, cursor);
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: name,
          IndexName: "by_scope",
          KeyConditionExpression: "GSI1PK = :list",
          ExpressionAttributeValues: {
            ":list": scopes.sessionsOfProject(projectId, "", "").GSI1PK,
          },
          ScanIndexForward: false,
          Limit: limit,
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      return {
        projects: Items.map((item) => parseRow(sessionProjectSchema, item)),
        cursor: LastEvaluatedKey ? encodeCursor(String(LastEvaluatedKey["GSI1SK"])) : null,
      };
    },
  };
};
export type SessionProjectStore = ReturnType<typeof sessionProjectStore>;

/** A cursor names a place in time only: of whichever project it was, it goes on in this one's list. */
const startAfter = (projectId: string, cursor: string) => {
  const [createdAndId = ""] = decodeCursor(cursor, /^\d{4}-[^#]+#[0-9a-f-]{36}$/);
  const [createdAt = "", id = ""] = createdAndId.split("#");
  return {
    ...scopes.sessionsOfProject(projectId, createdAt, id),
    ...keys.sessionProject(id, projectId),
  };
};
