import { createHash } from "node:crypto";
import type { DomainEvent } from "../domain/events/event.ts";

/**
 * The UUID of an event, as receivers outside see it: always the same one, also when it comes twice.
 *
 * @param copy for whom, where one event is sent several times
 */
export const messageId = (
  { type, entity, sequence, at }: Pick<DomainEvent, "type" | "entity" | "sequence" | "at">,
  copy = "",
): string => {
  const name = JSON.stringify([type, entity, sequence, at, copy]);
  const hex = createHash("sha256").update(name).digest("hex");
  // Version 8, variant 8: made of whatever its maker likes (RFC 9562).
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ];
  return [...groups, hex.slice(20, 32)].join("-");
};
