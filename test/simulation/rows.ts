import type { Stage } from "./stage.ts";

/** An item as DynamoDB's protocol writes it: by name, type and value. */
export type StoredItem = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The one table's name. */
export const tableIn = (template: unknown): string => {
  const { Resources } = template as {
    Resources: Record<string, { Type: string; Properties: { TableName: string } }>;
  };
  const table = Object.values(Resources).find(({ Type }) => Type === "AWS::DynamoDB::Table");
  return table?.Properties.TableName ?? "";
};

const TRIES = 100;

/** A table that throttles throttles whoever looks behind the API's back, too. */
const patiently = (read: () => unknown): unknown => {
  for (let tries = 1; ; tries++)
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "ThrottlingException" || tries >= TRIES)
        throw error;
    }
};

/** Every item of the table, read behind the API's back. */
export const itemsOf = ({ lull, hands }: Stage): StoredItem[] => {
  const { database } = lull.stack();
  const TableName = tableIn(hands.template);
  const items: StoredItem[] = [];
  let ExclusiveStartKey: unknown;
  do {
    const page = patiently(() =>
      database.handle("Scan", {
        TableName,
        ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
      }),
    ) as { Items: StoredItem[]; LastEvaluatedKey?: unknown };
    items.push(...page.Items);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return items;
};

/** The values of an item's fields that are texts and numbers, both as text. */
export const plainRow = (item: StoredItem): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, Object.values(value)[0]]));
