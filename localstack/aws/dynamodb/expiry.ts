import { type Item, member } from "./attribute-values.ts";
import type { Table } from "./catalog.ts";

/** When the item expires in epoch seconds; null when it does not. */
export const expiryOf = ({ timeToLive }: Table, item: Item): number | null => {
  const value = timeToLive === undefined ? undefined : member(item, timeToLive);
  if (!value || !("N" in value)) return null;
  const seconds = Math.floor(Number(value.N));
  return Number.isSafeInteger(seconds) ? seconds : null;
};
