import { afterAll } from "vitest";
import type { Dialect } from "../managers/dialects.ts";
import { type Manager, startManager } from "../managers/manager.ts";
import type { Temper } from "../managers/tempers.ts";
import type { Play } from "./stage.ts";

type Role = {
  readonly dialect: Dialect;
  readonly temper: Temper;
  /** Absent: by an alarm of Aodh, like real ones. */
  readonly hears?: "webhook";
};

/**
 * The managers of a file's projects, by the project's name. All of them start before the first
 * session does: Lull may go by a list of alarms that is seconds old.
 */
export const theCast = (
  roles: Readonly<Record<string, Role>>,
): ((play: Play, project: string) => Promise<Manager>) => {
  let cast: Promise<ReadonlyMap<string, Manager>> | undefined;
  afterAll(async () => {
    const managers = [...((await cast)?.values() ?? [])];
    await Promise.all(managers.map((manager) => manager.close()));
  });

  const start = async ({ simulator, clock, api }: Play) => {
    const started = Object.entries(roles).map(async ([project, { dialect, temper, hears }]) => {
      const config = simulator.tenants[project];
      if (config === undefined) throw new Error(`there is no project ${project}`);
      const lull = hears === "webhook" ? { lull: api.endpoint } : {};
      return [project, await startManager({ config, clock, dialect, temper, ...lull })] as const;
    });
    return new Map(await Promise.all(started));
  };

  return async (play, project) => {
    cast ??= start(play);
    const found = (await cast).get(project);
    if (found === undefined) throw new Error(`project ${project} has no manager`);
    return found;
  };
};
