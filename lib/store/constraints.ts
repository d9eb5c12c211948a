import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type * as z from "zod";
import {
  type GroupConstraints,
  groupConstraintsSchema,
  type InstanceConstraints,
  instanceConstraintsSchema,
} from "../domain/constraints.ts";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import { getAll } from "./batch-get.ts";
import { isConditionFailure } from "./conditions.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { parseRow } from "./rows.ts";
import { type ConstraintKind, keys, scopes, type Table } from "./table.ts";

type ConstraintPage<T> = { readonly constraints: T[]; readonly cursor: string | null };

/** What projects have said about their instances and groups. A row is its project's alone. */
export const constraintStore = (table: Table) => ({
  instances: ownedRows<InstanceConstraints>(
    table,
    "instance",
    instanceConstraintsSchema,
    ({ instance_id }) => instance_id,
  ),
  groups: ownedRows<GroupConstraints>(
    table,
    "group",
    groupConstraintsSchema,
    ({ group_id }) => group_id,
  ),
});

/** The rows of one kind. */
export type ConstraintRows<T> = {
  readonly put: (row: T, most: number) => Promise<void>;
  readonly get: (id: string, projectId: string) => Promise<T | null>;
  readonly getMany: (ids: readonly string[]) => Promise<Map<string, T>>;
  readonly delete: (id: string, projectId: string) => Promise<void>;
  readonly list: (
    projectId: string,
    limit: number,
    cursor: string | null,
  ) => Promise<ConstraintPage<T>>;
  readonly listAll: (projectId: string) => Promise<T[]>;
};

/** Rows of a list that are read at a time. */
const PAGE = 100;

const ownedRows = <T extends { readonly project_id: string }>(
  table: Table,
  kind: ConstraintKind,
  schema: z.ZodType<T>,
  idOf: (row: T) => string,
): ConstraintRows<T> => {
  const { client, name } = table;

  const write = async (row: T, condition: string): Promise<boolean> => {
    const id = idOf(row);
    const Item = {
      ...keys.constraints(kind, id),
      ...scopes.constraints(row.project_id, kind, id),
      kind: `${kind}_constraints`,
      ...row,
    };
    const ExpressionAttributeValues = { ":project": row.project_id };
    try {
      await client.send(
        new PutCommand({
          TableName: name,
          Item,
          ConditionExpression: condition,
          ExpressionAttributeValues,
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
  };

  const rows: ConstraintRows<T> = {
    /**
     * Keeps the row in place of the one before. The index that rows are counted by is a moment
     * behind, so that writes at the same time may bring a project a little above `most`.
     *
     * @param most rows that the project may have, of both kinds together
     * @throws ConflictError when it would be one too many
     * @throws NotFoundError when another project has a row of that id
     */
    async put(row: T, most: number): Promise<void> {
      if (await write(row, "project_id = :project")) return;
      if ((await countRows(table, row.project_id, most)) >= most)
        throw new ConflictError(
          `the project has constraints of ${most} instances and groups, which is the most (LULL_MAX_CONSTRAINTS): delete those of instances that are gone`,
        );
      if (!(await write(row, "attribute_not_exists(PK) OR project_id = :project")))
        throw new NotFoundError("the project has nothing of that id");
    },

    /** Null when there is none, or it is of another project. */
    async get(id: string, projectId: string): Promise<T | null> {
      const Key = keys.constraints(kind, id);
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key, ConsistentRead: true }),
      );
      const row = Item === undefined ? null : parseRow(schema, Item);
      return row?.project_id === projectId ? row : null;
    },

    /** Those that there are, by id and of whichever project: whoever asks looks at `project_id`. */
    async getMany(ids: readonly string[]): Promise<Map<string, T>> {
      const rows = await getAll(
        table,
        ids.map((id) => keys.constraints(kind, id)),
      );
      return new Map(
        rows.map((item) => {
          const row = parseRow(schema, item);
          return [idOf(row), row];
        }),
      );
    },

    /** What is not there, or is of another project, stays as it is; nobody is told. */
    async delete(id: string, projectId: string): Promise<void> {
      try {
        await client.send(
          new DeleteCommand({
            TableName: name,
            Key: keys.constraints(kind, id),
            ConditionExpression: "project_id = :project",
            ExpressionAttributeValues: { ":project": projectId },
          }),
        );
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
      }
    },

    /**
     * Those of a project by id; a moment behind.
     *
     * @throws MalformedError when it is not a cursor of such a list
     */
    async list(
      projectId: string,
      limit: number,
      cursor: string | null,
    ): Promise<ConstraintPage<T>> {
      const { GSI1PK, GSI1SK } = scopes.constraints(projectId, kind, "");
      const [after] = cursor === null ? [] : decodeCursor(cursor, /^[0-9a-f-]{36}$/);
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: name,
          IndexName: "by_scope",
          KeyConditionExpression: "GSI1PK = :list AND begins_with(GSI1SK, :kind)",
          ExpressionAttributeValues: { ":list": GSI1PK, ":kind": GSI1SK },
          Limit: limit,
          ...(after !== undefined && {
            ExclusiveStartKey: {
              ...scopes.constraints(projectId, kind, after),
              ...keys.constraints(kind, after),
            },
          }),
        }),
      );
      const constraints = Items.map((item) => parseRow(schema, item));
      const last = constraints.at(-1);
      return {
        constraints,
        cursor: LastEvaluatedKey && last ? encodeCursor(idOf(last)) : null,
      };
    },

    /** All of a project, which are LULL_MAX_CONSTRAINTS at most; a moment behind. */
    async listAll(projectId: string): Promise<T[]> {
      const all: T[] = [];
      let cursor: string | null = null;
      do {
        const page: ConstraintPage<T> = await rows.list(projectId, PAGE, cursor);
        all.push(...page.constraints);
        cursor = page.cursor;
      } while (cursor !== null);
      return all;
    },
  };
  return rows;
};

/** How many rows of both kinds the project has; counting ends at `most`. */
const countRows = async (
  { client, name }: Table,
  projectId: string,
  most: number,
): Promise<number> => {
  let count = 0;
  let start: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: name,
        IndexName: "by_scope",
        KeyConditionExpression: "GSI1PK = :list",
        ExpressionAttributeValues: { ":list": scopes.constraints(projectId, "group", "").GSI1PK },
        Select: "COUNT",
        ExclusiveStartKey: start,
      }),
    );
    count += page.Count ?? 0;
    start = page.LastEvaluatedKey;
  } while (start && count < most);
  return count;
};
export type ConstraintStore = ReturnType<typeof constraintStore>;
