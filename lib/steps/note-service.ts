import { refreshed } from "../domain/device.ts";
import type { KnownService } from "../fleet/services.ts";
import type { HostContext } from "./host-step.ts";

/**
 * Writes a service that has just been changed into the inventory, so that lists do not wait for the
 * next sync. Whoever else writes the row at this moment has read Nova too.
 */
export const noteService = async (
  { inventory, run, now }: Pick<HostContext, "inventory" | "run" | "now">,
  { id, status, state, disabled_reason }: KnownService,
): Promise<void> => {
  const device = await inventory.get(run.device_id);
  if (device === null) return;
  const service = { id, status, state, disabled_reason };
  const next = refreshed(device, { ...device, service }, now);
  if (next !== null) await inventory.replace(next);
};
