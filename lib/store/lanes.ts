import { randomUUID } from "node:crypto";
import { PutCommand, UpdateCommand, type UpdateCommandInput } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { type Delivery, deliverySchema, KEPT_SECONDS } from "../domain/delivery.ts";
import { isConditionFailure, transact, type Write } from "./conditions.ts";
import { queryAfter, queryDue } from "./query.ts";
import { parseRow } from "./rows.ts";
import { due, keys, scopes, type Table } from "./table.ts";

/** Which lane: all that goes to one receiver about one session, in order. */
export const laneRefSchema = z.object({ receiver_id: z.string(), session_id: z.string() });
export type LaneRef = z.infer<typeof laneRefSchema>;

const dueLaneSchema = laneRefSchema.extend({ due_at: z.string() });
type DueLane = z.infer<typeof dueLaneSchema>;

/**
 * A lane and who works it. `worker` is made up by each of its workers: whoever finds another has
 * lost it. `appended` counts what was put into it: whoever leaves it has to have seen the last of it.
 * Every delivery up to the key `done_until` is finished.
 */
const laneSchema = laneRefSchema.extend({
  schema: z.literal(1),
  /** Whose receiver it is; rows of earlier versions do not say. */
  project_id: z.string().nullable().default(null),
  /** Empty until it has its first one. */
  worker: z.string().default(""),
  appended: z.int(),
  done_until: z.string(),
});
export type Lane = z.infer<typeof laneSchema>;

/** What its worker has to know to give a lane back. */
export type Held = Pick<Lane, "receiver_id" | "session_id" | "worker" | "appended">;

/** A delivery by its place in the lane. */
export type Placed = { readonly key: string; readonly delivery: Delivery };

/** Sorts before every delivery. */
const BEGINNING = "D#";

/** Deliveries that are read at once. */
const PAGE = 25;

/** A lane in which nothing has happened for this long is forgotten; no delivery is open so long. */
const LANE_KEPT_SECONDS = 30 * 86_400;

const secondsOf = (at: string): number => Math.floor(Date.parse(at) / 1000);

const refOf = ({ receiver, event }: Delivery): LaneRef => ({
  receiver_id: receiver.receiver_id,
  session_id: event.session_id,
});

const rowOf = (delivery: Delivery) => ({
  ...keys.delivery(delivery.receiver.receiver_id, delivery.event),
  ...(delivery.receiver.kind === "webhook" &&
    scopes.deliveries(delivery.receiver.receiver_id, delivery.event)),
  kind: "delivery",
  ...delivery,
  ...(delivery.finished_at !== null && { ttl: secondsOf(delivery.finished_at) + KEPT_SECONDS }),
});

/** The delivery's place in its lane. */
export const keyOf = ({ receiver, event }: Delivery): string =>
  keys.delivery(receiver.receiver_id, event).SK;

/** Writes the delivery in place of `before`, unless somebody else was quicker. */
const replacement = ({ name }: Table, before: Delivery, after: Delivery) => ({
  TableName: name,
  Item: rowOf(after),
  ConditionExpression: "#state = :state AND attempts = :attempts",
  ExpressionAttributeNames: { "#state": "state" },
  ExpressionAttributeValues: { ":state": before.state, ":attempts": before.attempts },
});

/**
 * Says that something was put into the lane, so that its worker looks again, or the janitor does.
 *
 * @param done_until where to go back to; null = not at all, if nothing later is finished
 */
const bumping = (
  { name }: Table,
  { receiver_id, session_id }: LaneRef,
  {
    project,
    key,
    back,
    now,
  }: {
    readonly project: string;
    readonly key: string;
    readonly back: boolean;
    readonly now: string;
  },
): Write => ({
  Update: {
    TableName: name,
    Key: keys.lane(receiver_id, session_id),
    UpdateExpression: `SET #kind = :kind, #schema = :schema, receiver_id = :receiver, session_id = :session,
      project_id = :project, appended = if_not_exists(appended, :zero) + :one,
      done_until = ${back ? ":before" : "if_not_exists(done_until, :before)"},
      #due = :due, due_at = if_not_exists(due_at, :now), #ttl = :ttl`,
    ...(!back && { ConditionExpression: "attribute_not_exists(done_until) OR done_until < :key" }),
    ExpressionAttributeNames: {
      "#kind": "kind",
      "#schema": "schema",
      "#due": "due",
      "#ttl": "ttl",
    },
    ExpressionAttributeValues: {
      ":kind": "lane",
      ":schema": 1,
      ":receiver": receiver_id,
      ":session": session_id,
      ":project": project,
      ":zero": 0,
      ":one": 1,
      ":before": back ? key.slice(0, key.indexOf("#", BEGINNING.length)) : BEGINNING,
      ":due": due.delivery,
      ":now": now,
      ":ttl": secondsOf(now) + LANE_KEPT_SECONDS,
      ...(!back && { ":key": key }),
    },
  },
});

/**
 * Deliveries in their lanes: one worker at a time works a lane, lowest first. It owns the lane
 * until an instant, and extends that with each attempt; if it dies, the next one may come then.
 */
export const laneStore = (table: Table) => {
  const { client, name } = table;

  /** Changes the lane's row; null when the condition did not hold. */
  const change = async (
    { receiver_id, session_id }: LaneRef,
    update: Omit<UpdateCommandInput, "TableName" | "Key">,
  ): Promise<Lane | null> => {
    try {
      const { Attributes } = await client.send(
        new UpdateCommand({
          ...update,
          TableName: name,
          Key: keys.lane(receiver_id, session_id),
          ReturnValues: "ALL_NEW",
        }),
      );
      return parseRow(laneSchema, Attributes ?? {});
    } catch (error) {
      if (isConditionFailure(error)) return null;
      throw error;
    }
  };

  return {
    /** Puts a new delivery into its lane; the same one again changes nothing. */
    async append(delivery: Delivery, now: string): Promise<void> {
      const ref = refOf(delivery);
      const row = rowOf(delivery);
      const project = delivery.event.project_id;
      const put: Write = {
        Put: { TableName: name, Item: row, ConditionExpression: "attribute_not_exists(PK)" },
      };
      for (const back of [false, true]) {
        const held = await transact(table, [
          put,
          bumping(table, ref, { project, key: row.SK, back, now }),
        ]);
        // Only a lane that is further already is gone back in.
        if (held === null || held[0] === false) return;
      }
    },

    /**
     * Puts a new delivery into a lane in which nothing waits, with its first attempt, and makes the
     * caller its worker until then; null, and nothing done, when something waits there, or it came
     * late, or not for the first time.
     */
    async start(sending: Delivery, now: string, until: string): Promise<Held | null> {
      const ref = refOf(sending);
      const row = rowOf(sending);
      const worker = randomUUID();
      const held = await transact(table, [
        {
          Put: { TableName: name, Item: row, ConditionExpression: "attribute_not_exists(PK)" },
        },
        {
          Update: {
            TableName: name,
            Key: keys.lane(ref.receiver_id, ref.session_id),
            UpdateExpression: `SET #kind = :kind, #schema = :schema, receiver_id = :receiver, session_id = :session,
              project_id = :project, appended = :zero, done_until = if_not_exists(done_until, :beginning), worker = :worker,
              busy_until = :until, #due = :due, due_at = :until, #ttl = :ttl`,
            ConditionExpression:
              "attribute_not_exists(#due) AND (attribute_not_exists(done_until) OR done_until < :key)",
            ExpressionAttributeNames: {
              "#kind": "kind",
              "#schema": "schema",
              "#due": "due",
              "#ttl": "ttl",
            },
            ExpressionAttributeValues: {
              ":kind": "lane",
              ":schema": 1,
              ":receiver": ref.receiver_id,
              ":session": ref.session_id,
              ":project": sending.event.project_id,
              ":zero": 0,
              ":beginning": BEGINNING,
              ":worker": worker,
              ":until": until,
              ":due": due.delivery,
              ":ttl": secondsOf(now) + LANE_KEPT_SECONDS,
              ":key": row.SK,
            },
          },
        },
      ]);
      return held === null ? { ...ref, worker, appended: 0 } : null;
    },

    /** Puts a finished delivery into its lane once more; false when it is not finished any more. */
    async replay(before: Delivery, after: Delivery, now: string): Promise<boolean> {
      const { SK: key } = rowOf(after);
      const held = await transact(table, [
        { Put: replacement(table, before, after) },
        bumping(table, refOf(after), { project: after.event.project_id, key, back: true, now }),
      ]);
      return held === null;
    },

    /** Makes the caller the lane's worker until then; null when it has one, or nothing was ever in it. */
    claim: (ref: LaneRef, now: string, until: string): Promise<Lane | null> =>
      change(ref, {
        UpdateExpression: "SET busy_until = :until, #due = :due, due_at = :until, worker = :worker",
        ConditionExpression:
          "attribute_exists(PK) AND (attribute_not_exists(busy_until) OR busy_until <= :now)",
        ExpressionAttributeNames: { "#due": "due" },
        ExpressionAttributeValues: {
          ":until": until,
          ":due": due.delivery,
          ":worker": randomUUID(),
          ":now": now,
        },
      }),

    /** The lane as it is now, still the caller's until then; null when it is another's. */
    renew: (lane: Held, until: string): Promise<Lane | null> =>
      change(lane, {
        UpdateExpression: "SET busy_until = :until, due_at = :until",
        ConditionExpression: "worker = :worker",
        ExpressionAttributeValues: { ":until": until, ":worker": lane.worker },
      }),

    /**
     * Gives the lane back.
     *
     * @param doneUntil null = as it was
     * @param dueAt when its next delivery is to be tried; null = none is left
     * @returns false when something was put into it since it was read, or it is another's
     */
    async release(lane: Held, doneUntil: string | null, dueAt: string | null): Promise<boolean> {
      const sets = [
        ...(doneUntil === null ? [] : ["done_until = :done"]),
        ...(dueAt === null ? [] : ["due_at = :at"]),
      ];
      const removes = ["busy_until", ...(dueAt === null ? ["#due", "due_at"] : [])];
      const released = await change(lane, {
        UpdateExpression: `${sets.length > 0 ? `SET ${sets.join(", ")} ` : ""}REMOVE ${removes.join(", ")}`,
        ConditionExpression: "worker = :worker AND appended = :appended",
        ...(dueAt === null && { ExpressionAttributeNames: { "#due": "due" } }),
        ExpressionAttributeValues: {
          ...(doneUntil !== null && { ":done": doneUntil }),
          ":worker": lane.worker,
          ":appended": lane.appended,
          ...(dueAt !== null && { ":at": dueAt }),
        },
      });
      return released !== null;
    },

    /** The next deliveries after a key, finished or not, lowest first; none = that was the last. */
    async next({ receiver_id, session_id }: LaneRef, after: string): Promise<Placed[]> {
      const { PK } = keys.lane(receiver_id, session_id);
      const rows = await queryAfter(table, PK, after, PAGE);
      return rows.map((row) => ({
        key: String(row["SK"]),
        delivery: parseRow(deliverySchema, row),
      }));
    },

    /** Stores an attempt before it is made; false when the lane is another's. */
    async begin(lane: Lane, before: Delivery, after: Delivery, until: string): Promise<boolean> {
      const own: Write = {
        Update: {
          TableName: name,
          Key: keys.lane(lane.receiver_id, lane.session_id),
          UpdateExpression: "SET busy_until = :until, due_at = :until",
          ConditionExpression: "worker = :worker",
          ExpressionAttributeValues: { ":until": until, ":worker": lane.worker },
        },
      };
      return (await transact(table, [own, { Put: replacement(table, before, after) }])) === null;
    },

    /** Stores what became of a delivery; false when another worker has judged it meanwhile. */
    async settle(before: Delivery, after: Delivery): Promise<boolean> {
      try {
        await client.send(new PutCommand(replacement(table, before, after)));
        return true;
      } catch (error) {
        if (isConditionFailure(error)) return false;
        throw error;
      }
    },

    /** Lanes that should be worked by `now`: deliveries wait there, or their worker died. */
    async due(now: string, limit: number): Promise<DueLane[]> {
      const rows = await queryDue(table, due.delivery, now, limit);
      return rows.map((row) => parseRow(dueLaneSchema, row));
    },

    /** Keeps a lane off the list until then, unless somebody has seen to it since it was read. */
    async postpone(lane: DueLane, until: string): Promise<void> {
      await change(lane, {
        UpdateExpression: "SET due_at = :until",
        ConditionExpression: "due_at = :seen",
        ExpressionAttributeValues: { ":until": until, ":seen": lane.due_at },
      });
    },
  };
};
export type LaneStore = ReturnType<typeof laneStore>;
