import * as z from "zod";
import { confirm, finishedMigration, revert, startColdMigration } from "../cold-migration.ts";
import { startLiveMigration } from "../live-migration.ts";
import { isUp } from "../simulation.ts";
import type { Instance } from "../world.ts";
import { type Act, requester, requireState, requireUnlocked } from "./action-rules.ts";
import { requireMembership, requirePolicy } from "./policy.ts";
import { type Ask, Refused } from "./reply.ts";

const requireKnown = ({ simulation }: Ask, host: string | null): void => {
  if (host !== null && !simulation.world.hosts.get(host)?.has_hypervisor)
    throw new Refused(400, `Compute host ${host} could not be found.`);
};

const requireUp = ({ simulation }: Ask, name: string | null): void => {
  const host = simulation.world.hosts.get(name ?? "");
  if (!host || !isUp(simulation, host))
    throw new Refused(409, "Service is unavailable at this time.");
};

const liveSchema = z.strictObject({
  host: z.string().nullable(),
  block_migration: z.union([z.literal("auto"), z.boolean()]),
});

export const migrateLive: Act = (ask, instance, argument) => {
  const given = z.record(z.string(), z.unknown()).parse(argument ?? {});
  const wrong = (reason: string) =>
    new Refused(
      400,
      `Invalid input for field/attribute os-migrateLive. Value: ${pythonic(given)}. ${reason}`,
    );
  for (const key of ["block_migration", "host"])
    if (!(key in given)) throw wrong(`'${key}' is a required property`);
  const stranger = Object.keys(given).find((key) => !(key in liveSchema.shape));
  if (stranger) throw wrong(`Additional properties are not allowed ('${stranger}' was unexpected)`);
  const parsed = liveSchema.safeParse(given);
  if (!parsed.success) throw wrong(parsed.error.issues[0]?.message ?? "");
  requirePolicy(ask.caller, "compute", "os_compute_api:os-migrate-server:migrate_live");
  requireUnlocked(ask, instance);
  requireState("os-migrateLive", instance, ["active", "paused"]);
  requireMovable(instance);
  requireKnown(ask, parsed.data.host);
  startLiveMigration(ask.simulation, instance, parsed.data.host, requester(ask));
  return { status: 202 };
};

/** What Nova refuses before it asks any host. */
const requireMovable = ({ id, flavor, image_properties }: Instance): void => {
  const has = (spec: string, property: string) =>
    spec in flavor.extra_specs || property in image_properties;
  const unable = (kind: string) =>
    new Refused(
      400,
      `Operation 'live-migration' not supported for ${kind}-enabled instance (${id}).`,
    );
  if (has("hw:mem_encryption", "hw_mem_encryption")) throw unable("SEV");
  if (has("hw:tpm_version", "hw_tpm_version")) throw unable("vTPM");
};

/** {'host': None}, the way Nova prints what it was given. */
const pythonic = (value: unknown): string => {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([key, inner]) => `'${key}': ${pythonic(inner)}`)
      .join(", ")}}`;
  return typeof value === "string" ? `'${value}'` : String(value);
};

const coldSchema = z.strictObject({ host: z.string().nullable() }).nullable();

export const migrateCold: Act = (ask, instance, argument) => {
  const parsed = coldSchema.safeParse(argument);
  if (!parsed.success) throw new Refused(400, "Invalid input for field/attribute migrate.");
  requirePolicy(ask.caller, "compute", "os_compute_api:os-migrate-server:migrate");
  const host = parsed.data?.host ?? null;
  requireUnlocked(ask, instance);
  requireState("migrate", instance, ["active", "stopped"]);
  requireUp(ask, instance.host);
  requireKnown(ask, host);
  if (host !== null && host === instance.host)
    throw new Refused(400, "Cannot migrate to the host where the server exists.");
  startColdMigration(ask.simulation, instance, host, requester(ask));
  return { status: 202 };
};

/** 409 by the state; 400 once the confirmation is under way and the row no longer `finished`. */
const requireResized = (ask: Ask, name: "confirmResize" | "revertResize", instance: Instance) => {
  const policy = `os_compute_api:servers:${name === "confirmResize" ? "confirm" : "revert"}_resize`;
  requireMembership(ask.caller, "compute", policy, instance.project_id);
  requireUnlocked(ask, instance);
  requireState(name, instance, ["resized"]);
  const row = finishedMigration(ask.simulation, instance);
  if (!row) throw new Refused(400, "Instance has not been resized.");
  return row;
};

export const confirmResize: Act = (ask, instance) => {
  const { source } = requireResized(ask, "confirmResize", instance);
  requireUp(ask, source);
  confirm(ask.simulation, instance, requester(ask));
  return { status: 204 };
};

export const revertResize: Act = (ask, instance) => {
  requireResized(ask, "revertResize", instance);
  revert(ask.simulation, instance, requester(ask));
  return { status: 202 };
};

export const evacuate: Act = (ask, instance) => {
  requirePolicy(ask.caller, "compute", "os_compute_api:os-evacuate");
  const host = ask.simulation.world.hosts.get(instance.host ?? "");
  if (host && isUp(ask.simulation, host))
    throw new Refused(400, `Compute service of ${host.name} is still in use.`);
  throw new Refused(501, "evacuation is not simulated");
};
