import * as z from "zod";
import { begin } from "../power.ts";
import { beginAction, set } from "../simulation.ts";
import type { FullCloudSpec, VmState } from "../spec.ts";
import type { Instance } from "../world.ts";
import { type Act, requester, requireState, requireUnlocked } from "./action-rules.ts";
import {
  confirmResize,
  evacuate,
  migrateCold,
  migrateLive,
  revertResize,
} from "./migrate-actions.ts";
import { requireMembership, requirePolicy } from "./policy.ts";
import { type Ask, bodyAs, Refused, type Reply, type Route } from "./reply.ts";
import { isCellDown } from "./server-body.ts";
import { instanceOf } from "./servers.ts";

type Plain = {
  /** In which vm_state it may be asked for. */
  readonly from: readonly VmState[];
  readonly task_state: string;
  readonly to: VmState | ((instance: Instance, spec: FullCloudSpec) => VmState);
  /** Which of the cloud's timings it takes; `power_ms` when absent. */
  readonly takes?: "power_ms" | "shelve_ms";
  /** Below os_compute_api; `servers:<name>` when absent. */
  readonly policy?: string;
  /** Whether its owner may not. */
  readonly forAdmins?: boolean;
  /** Tasks in which it may be asked for besides none. */
  readonly tasks?: readonly string[];
};

/** Actions that one host carries out by itself. */
const plain =
  (name: string, { from, task_state, to, takes = "power_ms", tasks = [], ...plan }: Plain): Act =>
  (ask, instance) => {
    const { simulation } = ask;
    const policy = `os_compute_api:${plan.policy ?? `servers:${name}`}`;
    if (plan.forAdmins) requirePolicy(ask.caller, "compute", policy);
    else requireMembership(ask.caller, "compute", policy, instance.project_id);
    requireUnlocked(ask, instance);
    requireState(name, instance, from, [null, ...tasks]);
    const vm_state = typeof to === "function" ? to(instance, simulation.spec) : to;
    const ms = simulation.spec.timing[takes];
    begin(simulation, instance, { action: name, task_state, vm_state, ms }, requester(ask));
    return { status: 202 };
  };

/** A server on volumes has nothing to keep at its host; the others go as the cloud is set up. */
const afterShelving = ({ volumes }: Instance, { offloads_shelved }: FullCloudSpec): VmState =>
  offloads_shelved || volumes.length > 0 ? "shelved_offloaded" : "shelved";

const REBOOTS: Readonly<Record<string, Act>> = {
  SOFT: plain("reboot", { from: ["active"], task_state: "rebooting", to: "active" }),
  HARD: plain("reboot", {
    from: ["active", "stopped", "paused", "suspended", "error"],
    task_state: "rebooting_hard",
    to: "active",
    tasks: ["rebooting", "rebooting_hard", "resuming", "unpausing", "pausing", "suspending"],
  }),
};

const reboot: Act = (ask, instance, argument) => {
  const { type } = z.object({ type: z.string() }).catch({ type: "" }).parse(argument);
  const act = REBOOTS[type.toUpperCase()];
  if (!act) throw new Refused(400, "Invalid input for field/attribute type.");
  return act(ask, instance, argument);
};

const lock =
  (locked: boolean): Act =>
  (ask, instance) => {
    const policy = `os_compute_api:os-lock-server:${locked ? "lock" : "unlock"}`;
    requireMembership(ask.caller, "compute", policy, instance.project_id);
    set(ask.simulation, instance, { locked });
    return { status: 202 };
  };

const resetState: Act = (ask, instance, argument) => {
  requirePolicy(ask.caller, "compute", "os_compute_api:os-admin-actions:reset_state");
  const wanted = z.object({ state: z.enum(["active", "error"]) }).safeParse(argument);
  if (!wanted.success) throw new Refused(400, "Invalid input for field/attribute state.");
  beginAction(ask.simulation, instance, "resetState", requester(ask));
  set(ask.simulation, instance, { vm_state: wanted.data.state, task_state: null });
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
  reboot,
  "os-stop": plain("stop", {
    from: ["active", "error"],
    task_state: "powering-off",
    to: "stopped",
  }),
  "os-start": plain("start", { from: ["stopped"], task_state: "powering-on", to: "active" }),
  pause: plain("pause", {
    policy: "os-pause-server:pause",
    from: ["active"],
    task_state: "pausing",
    to: "paused",
  }),
  unpause: plain("unpause", {
    policy: "os-pause-server:unpause",
    from: ["paused"],
    task_state: "unpausing",
    to: "active",
  }),
  suspend: plain("suspend", {
    policy: "os-suspend-server:suspend",
    from: ["active"],
    task_state: "suspending",
    to: "suspended",
  }),
  resume: plain("resume", {
    policy: "os-suspend-server:resume",
    from: ["suspended"],
    task_state: "resuming",
    to: "active",
  }),
  shelve: plain("shelve", {
    policy: "os-shelve:shelve",
    from: ["active", "stopped", "paused", "suspended"],
    task_state: "shelving",
    to: afterShelving,
    takes: "shelve_ms",
  }),
  shelveOffload: plain("shelveOffload", {
    from: ["shelved"],
    task_state: "shelving_offloading",
    to: "shelved_offloaded",
    takes: "shelve_ms",
    policy: "os-shelve:shelve_offload",
    forAdmins: true,
  }),
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
