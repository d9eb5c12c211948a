import { setTimeout as pause } from "node:timers/promises";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { ConflictError, NotFoundError, TooManyError, TransientError } from "../domain/errors.ts";
import { type CurvePoint, curvePointSchema } from "../domain/plan/curve.ts";
import type { Course } from "../domain/plan/forecast.ts";
import type { Objective } from "../domain/plan/objective.ts";
import { type Operation, operationSchema } from "../domain/plan/operations.ts";
import {
  MOST_AT_ONCE,
  PLAN_REQUESTED,
  planSchema,
  type StoredPlan,
  standingOf,
} from "../domain/planning.ts";
import { chunked, getAll } from "./batch-get.ts";
import { isThrottled, transact, type Write } from "./conditions.ts";
import { putEvent } from "./outbox.ts";
import { parseRow } from "./rows.ts";
import { keys, type Table } from "./table.ts";

/** A plan is of no use when the cloud has long changed. */
const KEPT_SECONDS = 86_400;

/** So many operations fit into a row of 400 KB, however long their names are. */
const PAGE = 200;
/** Rows written at a time. */
const AT_ONCE = 4;
/** Tries at a row that the table is too busy to take, besides those of the SDK, and the first pause. */
const PAGE_TRIES = 8;
const PAGE_PAUSE_MS = 100;

/** Tries of a wish that lost against another one. */
const REQUEST_TRIES = 5;
/** A plan is seldom made sooner. */
const RETRY_AFTER_SECONDS = 30;

/** Who is being made; a plan that has ended stays listed until the next one is wished for. */
const beingMadeSchema = z.object({ plan_ids: z.array(z.string()), sequence: z.int() });

const operationsRowSchema = z.object({ operations: z.array(operationSchema) });
const curveRowSchema = z.object({ points: z.array(curvePointSchema) });

/** Which of a plan's two courses. */
type CourseRef = {
  readonly plan_id: string;
  readonly making_id: string;
  readonly objective: Objective;
};

export const planStore = (table: Table) => {
  const { client, name } = table;

  const ttlOf = ({ requested_at }: StoredPlan) =>
    Math.floor(Date.parse(requested_at) / 1000) + KEPT_SECONDS;
  const row = (plan: StoredPlan) => ({
    ...keys.plan(plan.plan_id),
    kind: "plan",
    ttl: ttlOf(plan),
    ...plan,
  });

  /** A large plan is more than a table takes in a moment that has had little to do. */
  const putPage = async (Item: Record<string, unknown>): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        await client.send(new PutCommand({ TableName: name, Item }));
        return;
      } catch (error) {
        if (!isThrottled(error) || attempt === PAGE_TRIES) throw error;
        await pause(PAGE_PAUSE_MS * 2 ** (attempt - 1) * Math.random());
      }
    }
  };

  const findBeingMade = async (): Promise<z.infer<typeof beingMadeSchema>> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: name, Key: keys.plansBeingMade(), ConsistentRead: true }),
    );
    return Item === undefined ? { plan_ids: [], sequence: 0 } : parseRow(beingMadeSchema, Item);
  };

  /** The write that lists who is being made; it fails when somebody else has listed another. */
  const putBeingMade = (plan_ids: readonly string[], seen: number): Write => ({
    Put: {
      TableName: name,
      Item: {
        ...keys.plansBeingMade(),
        kind: "plans_being_made",
        plan_ids,
        sequence: seen + 1,
      },
      ConditionExpression: "attribute_not_exists(PK) OR #sequence = :seen",
      ExpressionAttributeNames: { "#sequence": "sequence" },
      ExpressionAttributeValues: { ":seen": seen },
    },
  });

  /** Those of the plans that somebody is still at, or is expected to be. */
  const stillMade = async (planIds: readonly string[], now: string): Promise<string[]> => {
    const rows = await getAll(
      table,
      planIds.map((id) => keys.plan(id)),
    );
    return rows
      .map((item) => standingOf(parseRow(planSchema, item), now))
      .flatMap(({ status, plan_id }) => (status === "making" ? [plan_id] : []));
  };

  return {
    /**
     * Stores the wish together with the event that has it fulfilled. Nobody has to tell that a plan
     * is no longer being made: whoever wishes for the next looks at those that were.
     *
     * @param remember that what was wished for is not wished for twice
     * @throws TooManyError when as many are being made as may be
     * @throws ConflictError when what is to be remembered is remembered already
     */
    async request(plan: StoredPlan, remember: readonly Write[] = []): Promise<void> {
      const { plan_id, requested_at } = plan;
      const event = {
        schema: 1,
        type: PLAN_REQUESTED,
        entity: plan_id,
        sequence: 1,
        at: requested_at,
        detail: { plan_id },
      } as const;
      for (let attempt = 0; attempt < REQUEST_TRIES; attempt++) {
        const { plan_ids, sequence } = await findBeingMade();
        const underWay = await stillMade(plan_ids, requested_at);
        if (underWay.length >= MOST_AT_ONCE)
          throw new TooManyError(
            `${underWay.length} plans are being made, which is the most at a time: wait for one of them, or look at them: ${underWay.join(", ")}`,
            RETRY_AFTER_SECONDS,
          );
        const held = await transact(table, [
          putBeingMade([...underWay, plan_id], sequence),
          { Put: { TableName: name, Item: row(plan) } },
          putEvent(table, keys.plan(plan_id).PK, event, ttlOf(plan)),
          ...remember,
        ]);
        if (held === null) return;
        if (held[0] === true) throw new ConflictError("this was asked for already");
      }
      throw new TransientError("too many plans are being asked for at this moment");
    },

    async get(planId: string): Promise<StoredPlan> {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: keys.plan(planId), ConsistentRead: true }),
      );
      if (Item === undefined) throw new NotFoundError(`no plan ${planId}; it is kept for a day`);
      return parseRow(planSchema, Item);
    },

    /** Stores what one making of the plan came to; nobody sees it before `settle` names it. */
    async putCourses(
      plan: StoredPlan,
      makingId: string,
      courses: Readonly<Record<Objective, Course>>,
    ): Promise<void> {
      const { plan_id } = plan;
      const ttl = ttlOf(plan);
      const rows = [
        ...coursesRows(courses.fastest, { plan_id, making_id: makingId, objective: "fastest" }),
        ...coursesRows(courses.fewest_moves, {
          plan_id,
          making_id: makingId,
          objective: "fewest_moves",
        }),
      ];
      for (const chunk of chunked(rows, AT_ONCE))
        await Promise.all(chunk.map((one) => putPage({ ...one, ttl })));
    },

    /** Stores how a plan stands; one that has ended stays as it is, also when it was made twice. */
    async settle(plan: StoredPlan): Promise<void> {
      await transact(table, [
        {
          Put: {
            TableName: name,
            Item: row(plan),
            ConditionExpression: "#status = :making",
            ExpressionAttributeNames: { "#status": "status" },
            ExpressionAttributeValues: { ":making": "making" },
          },
        },
      ]);
    },

    /**
     * Operations in their order: at most `limit` of those after the number `after`. A page that is
     * not there (any more) is left out.
     */
    async operations(
      { plan_id, making_id, objective }: CourseRef,
      after: number,
      limit: number,
    ): Promise<Operation[]> {
      const first = Math.floor(after / PAGE);
      const last = Math.floor((after + limit - 1) / PAGE);
      const pages = Array.from({ length: last - first + 1 }, (_, n) =>
        keys.planOperations(plan_id, making_id, objective, first + n),
      );
      return (await getAll(table, pages))
        .flatMap((item) => parseRow(operationsRowSchema, item).operations)
        .filter(({ number }) => number > after && number <= after + limit)
        .toSorted((a, b) => a.number - b.number);
    },

    /** @throws NotFoundError when it is not there any more */
    async curve({ plan_id, making_id, objective }: CourseRef): Promise<CurvePoint[]> {
      const Key = keys.planCurve(plan_id, making_id, objective);
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key, ConsistentRead: true }),
      );
      if (Item === undefined) throw new NotFoundError(`the curve of plan ${plan_id} has expired`);
      return parseRow(curveRowSchema, Item).points;
    },
  };
};

const coursesRows = (
  { operations, curve }: Course,
  { plan_id, making_id, objective }: CourseRef,
): Record<string, unknown>[] => [
  ...chunked(operations, PAGE).map((page, n) => ({
    ...keys.planOperations(plan_id, making_id, objective, n),
    kind: "plan_operations",
    operations: page,
  })),
  { ...keys.planCurve(plan_id, making_id, objective), kind: "plan_curve", points: curve },
];
