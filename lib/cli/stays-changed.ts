import type { HostRun, SessionDetail } from "../client/maintenance.ts";
import { count } from "./counts.ts";
import { movedOf, phaseOf } from "./session-text.ts";

const outOfService = (run: HostRun): string => {
  const moved = movedOf(run);
  return `${run.hostname} stays disabled: ${phaseOf(run)}${moved ? `, moved ${moved}` : ""}`;
};

/**
 * What a session that is stopped leaves changed in the cloud, in words; what the API itself says
 * of it goes first.
 */
export const staysChanged = ({ hosts, instances, stays_changed }: SessionDetail): string[] => {
  if (stays_changed.length > 0) return stays_changed;
  const moved = instances.filter(({ state }) => state === "moved").length;
  const moving = instances.filter(({ state }) => state === "moving").length;
  return [
    ...hosts.filter(({ disabled }) => disabled === true).map(outOfService),
    ...(moving > 0 ? [`${count(moving, "move")} under way: seen to their end`] : []),
    ...(moved > 0 ? [`${count(moved, "instance")} moved already: they stay where they are`] : []),
  ];
};
