import { AwsError } from "../../errors.ts";
import {
  ACTION_MEMBERS,
  type Action,
  perform,
  readConditionCheck,
  readDelete,
  readPut,
  readUpdateAction,
} from "../actions.ts";
import { type Item, itemSize } from "../attribute-values.ts";
import type { Catalog } from "../catalog.ts";
import type { Engine } from "../engine.ts";
import { optionalText, readIgnored, readMembers, requiredList } from "../inputs.ts";
import { invalid } from "../invalid.ts";
import { alreadyDone, rememberToken } from "../request-tokens.ts";
import { findItem, type StoredItem } from "../stored-items.ts";
import { checkItem } from "../write-items.ts";

const MEMBERS = new Set([
  "TransactItems",
  "ClientRequestToken",
  "ReturnConsumedCapacity",
  "ReturnItemCollectionMetrics",
]);

const READERS = {
  ConditionCheck: { read: readConditionCheck, members: new Set([...ACTION_MEMBERS, "Key"]) },
  Put: { read: readPut, members: new Set([...ACTION_MEMBERS, "Item"]) },
  Delete: { read: readDelete, members: new Set([...ACTION_MEMBERS, "Key"]) },
  Update: {
    read: readUpdateAction,
    members: new Set([...ACTION_MEMBERS, "Key", "UpdateExpression"]),
  },
} as const;
const KINDS = ["ConditionCheck", "Put", "Delete", "Update"] as const;
const ITEM_MEMBERS = new Set<string>(KINDS);

const MOST_ACTIONS = 100;
const LONGEST_TOKEN = 36;
const LARGEST_TRANSACTION_BYTES = 4 * 1024 * 1024;
/** So many items of 400 KB stay below the limit. */
const LARGEST_ITEMS_THAT_FIT = 10;

/** Why a transaction was cancelled, one per action in the request's order. */
type Reason = { readonly Code: string; readonly Message?: string; readonly Item?: Item };

const NO_REASON: Reason = { Code: "None" };

/** All actions or none of them. */
export const transactWriteItemsOperation = (engine: Engine, request: unknown): unknown => {
  const input = readMembers(request, MEMBERS);
  readIgnored(input);
  const token = readToken(optionalText(input, "ClientRequestToken"));
  const items = requiredList(input, "TransactItems", MOST_ACTIONS);
  const actions = items.map((item) => readAction(engine.catalog, item));
  refuseSameItem(actions);
  engine.write(() => {
    if (token !== undefined && alreadyDone(engine, token, items)) return;
    if (engine.misbehaviour.conflicts()) throw cancelled(conflict(actions));
    act(engine, actions);
    if (token !== undefined) rememberToken(engine, token, items);
  });
  return {};
};

const readToken = (token: string | undefined): string | undefined => {
  if (token !== undefined && (token.length < 1 || token.length > LONGEST_TOKEN))
    throw invalid(
      `1 validation error detected: Value '${token}' at 'clientRequestToken' failed to satisfy constraint: Member must have length between 1 and ${LONGEST_TOKEN}`,
    );
  return token;
};

const readAction = (catalog: Catalog, item: unknown): Action => {
  const members = readMembers(item, ITEM_MEMBERS);
  const [kind, ...others] = KINDS.filter((candidate) => members[candidate] != null);
  if (!kind || others.length > 0)
    throw invalid("TransactItems can only contain one of Check, Put, Update or Delete");
  const { read, members: known } = READERS[kind];
  const action = read(catalog, readMembers(members[kind], known));
  const put = kind === "Put" ? action.next(undefined) : undefined;
  if (put) checkItem(action.table, put, action.tooLarge);
  return action;
};

const refuseSameItem = (actions: readonly Action[]): void => {
  const items = actions.map(({ table, key: { hash, range } }) =>
    JSON.stringify([table.name, hash, range]),
  );
  if (new Set(items).size < items.length)
    throw invalid("Transaction request cannot include multiple operations on one item");
};

const act = (engine: Engine, actions: readonly Action[]): void => {
  const olds = actions.map(({ table, key }) => findItem(engine.storage, table, key));
  const reasons = actions.map((action, index) => failedCondition(action, olds[index]));
  if (reasons.some((reason) => reason !== NO_REASON)) throw cancelled(reasons);
  const written = actions.map((action, index) => {
    try {
      return perform(engine, action, olds[index]);
    } catch (error) {
      throw cancelledBy(error, actions, index);
    }
  });
  if (written.length > LARGEST_ITEMS_THAT_FIT) refuseTooMuch(written);
};

const refuseTooMuch = (items: readonly (Item | undefined)[]): void => {
  const bytes = items.reduce((total, item) => total + (item ? itemSize(item) : 0), 0);
  if (bytes > LARGEST_TRANSACTION_BYTES)
    throw invalid("The aggregate size of the items in the transaction cannot exceed 4 MB");
};

const failedCondition = (action: Action, old: StoredItem | undefined): Reason => {
  if (action.holds(old?.item ?? {})) return NO_REASON;
  return {
    Code: "ConditionalCheckFailed",
    Message: "The conditional request failed",
    ...(action.returnsOld && old && { Item: old.item }),
  };
};

/** What an item's content makes impossible shows only now, and cancels as a reason of its action. */
const cancelledBy = (error: unknown, actions: readonly Action[], failed: number): unknown => {
  if (!(error instanceof AwsError) || error.name !== "ValidationException") return error;
  return cancelled(
    actions.map((_, index) =>
      index === failed ? { Code: "ValidationError", Message: error.message } : NO_REASON,
    ),
  );
};

const conflict = (actions: readonly Action[]): readonly Reason[] =>
  actions.map((_, index) =>
    index === 0
      ? { Code: "TransactionConflict", Message: "Transaction is ongoing for the item" }
      : NO_REASON,
  );

const cancelled = (reasons: readonly Reason[]): AwsError =>
  new AwsError(
    "TransactionCanceledException",
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(({ Code }) => Code).join(", ")}]`,
    { extra: { CancellationReasons: reasons } },
  );
