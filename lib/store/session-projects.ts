import { GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { type SessionProject, sessionProjectSchema } from "../domain/session-project.ts";
import { isConditionFailure } from "./conditions.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
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
     * steps they would keep making each other's fail. As it never changes, it needs no fence either.
     */
    async add(project: SessionProject): Promise<void> {
      const { session_id, project_id, created_at } = project;
      try {
        await client.send(
          new PutCommand({
            TableName: name,
            Item: {
              ...keys.sessionProject(session_id, project_id),
              ...scopes.sessionsOfProject(project_id, created_at, session_id),
              kind: "session_project",
              ...project,
            },
            ConditionExpression: "attribute_not_exists(PK)",
          }),
        );
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
      }
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
