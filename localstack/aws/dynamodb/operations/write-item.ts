import { AwsError } from "../../errors.ts";
import {
  ACTION_MEMBERS,
  type Action,
  perform,
  readDelete,
  readPut,
  readUpdateAction,
} from "../actions.ts";
import type { Item } from "../attribute-values.ts";
import type { Engine } from "../engine.ts";
import { project } from "../expressions/projection.ts";
import { choice, readIgnored, readMembers } from "../inputs.ts";
import { findItem, type StoredItem } from "../stored-items.ts";

const MEMBERS = [
  ...ACTION_MEMBERS,
  "ReturnValues",
  "ReturnConsumedCapacity",
  "ReturnItemCollectionMetrics",
];
const PUT_MEMBERS = new Set([...MEMBERS, "Item"]);
const DELETE_MEMBERS = new Set([...MEMBERS, "Key"]);
const UPDATE_MEMBERS = new Set([...MEMBERS, "Key", "UpdateExpression"]);

export const putItemOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, PUT_MEMBERS);
  readIgnored(input);
  const returned = choice(input, "ReturnValues", ["NONE", "ALL_OLD"]);
  const { old } = act(engine, readPut(engine.catalog, input));
  return attributes(returned === "ALL_OLD" ? old?.item : undefined);
};

export const deleteItemOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, DELETE_MEMBERS);
  readIgnored(input);
  const returned = choice(input, "ReturnValues", ["NONE", "ALL_OLD"]);
  const { old } = act(engine, readDelete(engine.catalog, input));
  return attributes(returned === "ALL_OLD" ? old?.item : undefined);
};

export const updateItemOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, UPDATE_MEMBERS);
  readIgnored(input);
  const returned = choice(input, "ReturnValues", [
    "NONE",
    "ALL_OLD",
    "UPDATED_OLD",
    "ALL_NEW",
    "UPDATED_NEW",
  ]);
  const action = readUpdateAction(engine.catalog, input);
  const { old, item } = act(engine, action);
  switch (returned) {
    case "NONE":
      return {};
    case "ALL_OLD":
      return attributes(old?.item);
    case "ALL_NEW":
      return attributes(item);
    case "UPDATED_OLD":
      return attributes(old && project(old.item, action.paths));
    case "UPDATED_NEW":
      return attributes(item && project(item, action.paths));
  }
};

/** `Attributes` is absent, not empty, when there is nothing to return. */
const attributes = (item: Item | undefined) =>
  item && Object.keys(item).length > 0 ? { Attributes: item } : {};

type Outcome = { readonly old: StoredItem | undefined; readonly item: Item | undefined };

/** @throws AwsError ConditionalCheckFailedException */
const act = (engine: Engine, action: Action): Outcome =>
  engine.write(() => {
    const old = findItem(engine.storage, action.table, action.key);
    if (!action.holds(old?.item ?? {}))
      throw new AwsError("ConditionalCheckFailedException", "The conditional request failed", {
        extra: action.returnsOld && old ? { Item: old.item } : {},
      });
    return { old, item: perform(engine, action, old) };
  });
