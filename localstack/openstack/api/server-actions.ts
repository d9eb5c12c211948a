import * as z from "zod";
import { confirm, finishedMigration, revert, startColdMigration } from "../cold-migration.ts";
import { startLiveMigration } from "../live-migration.ts";
import { beginAction, isUp, type Requester, set } from "../simulation.ts";
import type { VmState } from "../spec.ts";
import type { Instance } from "../world.ts";
import { type Ask, bodyAs, Refused, type Reply, type Route } from "./reply.ts";
import { isCellDown } from "./server-body.ts";
import { instanceOf } from "./servers.ts";

const requester = ({ caller, requestId }: Ask): Requester => ({
  user_id: caller.user.id,
  project_id: caller.project?.id ?? "",
  request_id: requestId,
});

const requireState = (name: string, instance: Instance, allowed: readonly string[]): void => {
  const cannot = `Cannot '${name}' instance ${instance.id} while it is in`;
  if (instance.task_state !== null)
    throw new Refused(409, `${cannot} task_state ${instance.task_state}`);
  if (!allowed.includes(instance.vm_state))
    throw new Refused(409, `${cannot} vm_state ${instance.vm_state}`);
};

const adminOnly = ({ caller }: Ask, policy: string): void => {
  if (!caller.admin) throw new Refused(403, `Policy doesn't allow ${policy} to be performed.`);
};

/** A lock binds everyone but admins. */
const requireUnlocked = ({ caller }: Ask, instance: Instance): void => {
  if (instance.locked && !caller.admin) throw new Refused(409, `Instance ${instance.id} is locked`);
};

const requireHost = ({ simulation }: Ask, host: string | null): void => {
  if (host !== null && !simulation.world.hosts.has(host))
    throw new Refused(400, `Compute host ${host} could not be found.`);
};

type Act = (ask: Ask, instance: Instance, argument: unknown) => Reply;

const liveSchema = z.strictObject({
  host: z.string().nullable(),
  block_migration: z.union([z.literal("auto"), z.boolean()]),
});

const migrateLive: Act = (ask, instance, argument) => {
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
  adminOnly(ask, "os_compute_api:os-migrate-server:migrate_live");
  requireState("os-migrateLive", instance, ["active", "paused"]);
  requireHost(ask, parsed.data.host);
  startLiveMigration(ask.simulation, instance, parsed.data.host, requester(ask));
  return { status: 202 };
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

const migrateSchema = z.strictObject({ host: z.string().nullable() }).nullable();

const migrateCold: Act = (ask, instance, argument) => {
  adminOnly(ask, "os_compute_api:os-migrate-server:migrate");
  const parsed = migrateSchema.safeParse(argument);
  if (!parsed.success) throw new Refused(400, "Invalid input for field/attribute migrate.");
  const host = parsed.data?.host ?? null;
  requireState("migrate", instance, ["active", "stopped"]);
  requireHost(ask, host);
  if (host !== null && host === instance.host)
    throw new Refused(400, "The target host can't be the same one.");
  startColdMigration(ask.simulation, instance, host, requester(ask));
  return { status: 202 };
};

/** 409 by the state; 400 once the confirmation is under way and the row no longer `finished`. */
const requireResized = (ask: Ask, name: string, instance: Instance): void => {
  requireState(name, instance, ["resized"]);
  if (!finishedMigration(ask.simulation, instance))
    throw new Refused(400, "Instance has not been resized.");
};

const confirmResize: Act = (ask, instance) => {
  requireUnlocked(ask, instance);
  requireResized(ask, "confirmResize", instance);
  confirm(ask.simulation, instance, requester(ask));
  return { status: 204 };
};

const revertResize: Act = (ask, instance) => {
  requireUnlocked(ask, instance);
  requireResized(ask, "revertResize", instance);
  revert(ask.simulation, instance, requester(ask));
  return { status: 202 };
};

const evacuate: Act = (ask, instance) => {
  adminOnly(ask, "os_compute_api:os-evacuate");
  const host = ask.simulation.world.hosts.get(instance.host ?? "");
  if (host && isUp(ask.simulation, host))
    throw new Refused(400, `Compute service of ${host.name} is still in use.`);
  throw new Refused(501, "evacuation is not simulated");
};

/** Actions that change the state at once, by the states they may be taken in. */
const plain = (name: string, allowed: readonly VmState[], vm_state: VmState): Act => {
  return (ask, instance) => {
    requireUnlocked(ask, instance);
    requireState(name, instance, allowed);
    beginAction(ask.simulation, instance, name.replace(/^os-/, ""), requester(ask));
    set(ask.simulation, instance, { vm_state });
    return { status: 202 };
  };
};

const lock =
  (locked: boolean): Act =>
  ({ simulation }, instance) => {
    set(simulation, instance, { locked });
    return { status: 202 };
  };

const resetState: Act = (ask, instance, argument) => {
  adminOnly(ask, "os_compute_api:os-admin-actions:reset_state");
  const { state } = z.object({ state: z.enum(["active", "error"]) }).parse(argument);
  set(ask.simulation, instance, { vm_state: state, task_state: null });
  return { status: 202 };
};

const ACTIONS: Readonly<Record<string, Act>> = {
  "os-migrateLive": migrateLive,
  migrate: migrateCold,
  confirmResize,
  revertResize,
  evacuate,
  lock: lock(true),
  unlock: lock(false),
  "os-resetState": resetState,
  "os-stop": plain("stop", ["active"], "stopped"),
  "os-start": plain("start", ["stopped"], "active"),
  pause: plain("pause", ["active"], "paused"),
  unpause: plain("unpause", ["paused"], "active"),
  suspend: plain("suspend", ["active"], "suspended"),
  resume: plain("resume", ["suspended"], "active"),
};

const act = (ask: Ask): Reply => {
  const instance = instanceOf(ask);
  const entries = Object.entries(bodyAs(ask, z.record(z.string(), z.unknown())));
  const [name, argument] = entries[0] ?? [""];
  const action = ACTIONS[name];
  if (!action || entries.length !== 1)
    throw new Refused(400, `There is no such action: ${name || "none"}`);
  if (isCellDown(ask.simulation, instance)) throw new Refused(500, UNEXPECTED);
  return action(ask, instance, argument);
};

const UNEXPECTED =
  "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.";

export const serverActionRoutes: Route[] = [
  { method: "POST", path: /^\/servers\/(?<id>[^/]+)\/action$/, handle: act },
];
