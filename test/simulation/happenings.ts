import { freeze, thaw } from "../../lib/client/freeze.ts";
import { startSync } from "../../lib/client/hosts.ts";
import {
  abortMaintenance,
  pauseMaintenance,
  releaseHost,
  resumeMaintenance,
  retryHost,
} from "../../lib/client/maintenance.ts";
import type { Deed } from "../../localstack/openstack/deeds.ts";
import { hasRoom, resourcesOf } from "../../localstack/openstack/room.ts";
import type { Host, Instance } from "../../localstack/openstack/world.ts";
import { MARK } from "../managers/project.ts";
import { chances, oneOf, whole } from "./chance.ts";
import { MANNERS } from "./managers.ts";
import { ask } from "./operator.ts";
import type { Draft } from "./plan.ts";
import { itemsOf, tableIn } from "./rows.ts";
import type { Chance, Stage } from "./stage.ts";

/** One class of fault: how it shapes a seed's plan, and what it does at its moment. */
export type Happening = {
  readonly name: string;
  readonly shape?: (draft: Draft, chance: Chance) => void;
  readonly act?: (stage: Stage) => unknown;
};

type Fault = Extract<Deed, { kind: "fault" }>["fault"];

/** Everything that the simulation does to Lull and to the cloud, by the name it has in reports. */
export const happenings: readonly Happening[] = [
  { name: "process killed on rows of an older schema", act: (stage) => ageRows(stage) },
  { name: "process killed", act: (stage) => killProcess(stage) },
  { name: "invocation dies before a call", act: (stage) => fates(stage, "kill_before", 0.04) },
  { name: "invocation dies after a call", act: (stage) => fates(stage, "kill_after", 0.04) },
  { name: "connection lost before a call", act: (stage) => fates(stage, "reset_before", 0.06) },
  { name: "answer lost after a call", act: (stage) => fates(stage, "reset_after", 0.06) },

  { name: "table throttles", shape: (draft) => rates(draft, { throttle: 0.05 }) },
  { name: "transactions conflict", shape: (draft) => rates(draft, { conflict: 0.15 }) },
  { name: "indexes lag", shape: (draft) => rates(draft, { indexLagMs: 20_000 }) },
  { name: "records and events come twice", shape: (draft) => rates(draft, { duplicate: 0.3 }) },
  { name: "records and events come late", shape: (draft) => rates(draft, { delayMs: 8_000 }) },
  {
    name: "clock jumps",
    act: ({ hands, chance }) => hands.clock.skip(whole(chance, 60, 900) * 1_000),
  },

  { name: "nova answers 500", act: (stage) => unwell(stage, { service: "compute" }, 500) },
  { name: "nova answers 503", act: (stage) => unwell(stage, { service: "compute" }, 503) },
  { name: "nova answers 429", act: (stage) => unwell(stage, { service: "compute" }, 429) },
  { name: "placement answers 503", act: (stage) => unwell(stage, { service: "placement" }, 503) },
  { name: "neutron answers 500", act: (stage) => unwell(stage, { service: "network" }, 500) },
  { name: "keystone answers 503", act: (stage) => unwell(stage, { service: "identity" }, 503) },
  { name: "move refused with 400", act: (stage) => refuse(stage, 400) },
  { name: "move refused with 404", act: (stage) => refuse(stage, 404) },
  { name: "move refused with 409", act: (stage) => refuse(stage, 409) },
  { name: "move refused with 413", act: (stage) => refuse(stage, 413) },
  { name: "call happened, no answer", act: (stage) => onCalls(stage, { kind: "lose_answer" }) },
  {
    name: "call happened, connection broke",
    act: (stage) => onCalls(stage, { kind: "reset_after" }),
  },
  { name: "call did not happen, no answer", act: (stage) => onCalls(stage, { kind: "hang" }) },
  {
    name: "call did not happen, connection broke",
    act: (stage) => onCalls(stage, { kind: "reset_before" }),
  },
  {
    name: "call is slow",
    act: (stage) => onCalls(stage, { kind: "delay", ms: whole(stage.chance, 5, 40) * 1_000 }),
  },
  {
    name: "tokens expire soon",
    shape: ({ cloud }) => void Object.assign(cloud, { token_ms: 150_000 }),
  },

  {
    name: "move without progress",
    act: (stage) => drivers(stage, { live_migration: { outcome: "hang" } }),
  },
  {
    name: "move fails on the way",
    act: (stage) => drivers(stage, { live_migration: { outcome: "fail" } }),
  },
  {
    name: "move fails at the target",
    act: (stage) => drivers(stage, { pre_migration: { outcome: "fail" } }),
  },
  { name: "instance ends on a third host", act: (stage) => thirdHost(stage) },
  { name: "move is slow", act: (stage) => drivers(stage, { live_migration: { seconds: 90 } }) },

  {
    name: "instance deleted",
    act: (stage) => withInstance(stage, (id) => ({ kind: "vanish", instance: id })),
  },
  {
    name: "instance paused",
    act: (stage) =>
      withInstance(stage, (id) => ({ kind: "set_instance", instance: id, vm_state: "paused" })),
  },
  {
    name: "instance stopped",
    act: (stage) =>
      withInstance(stage, (id) => ({ kind: "set_instance", instance: id, vm_state: "stopped" })),
  },
  {
    name: "instance locked",
    act: (stage) =>
      withInstance(stage, (id) => ({ kind: "set_instance", instance: id, locked: true })),
  },
  { name: "instance created on a host being drained", act: (stage) => appear(stage) },
  { name: "targets fill up", act: (stage) => fillUp(stage) },
  {
    name: "small hosts",
    shape: ({ cloud }) => {
      for (const host of cloud.hosts) host.memory_mb = 4_608;
    },
  },

  { name: "host dies and returns", act: (stage) => killHost(stage, {}) },
  { name: "host returns smaller", act: (stage) => killHost(stage, { vcpus: 8 }) },
  { name: "host returns older", act: (stage) => killHost(stage, { hypervisor_version: 900 }) },
  { name: "host freezes", act: (stage) => freezeHost(stage) },
  { name: "host enabled by hand", act: (stage) => setService(stage, "enabled") },
  { name: "host disabled by hand", act: (stage) => setService(stage, "disabled") },
  { name: "cell unreachable", act: (stage) => downFor(stage) },

  { name: "callback lost", act: ({ receiver }) => manner(receiver, "lost") },
  { name: "callback twice", act: ({ receiver }) => manner(receiver, "twice") },
  { name: "callback of an old attempt", act: ({ receiver }) => manner(receiver, "stale") },
  { name: "work failed", act: ({ receiver }) => manner(receiver, "failed") },

  {
    name: "window ends early",
    shape: ({ sessions }, chance) =>
      sessions.forEach((one) => {
        one.endsAfter = whole(chance, 40, 240) * 1_000;
      }),
  },
  { name: "sessions share hosts", shape: ({ sessions }) => share(sessions) },
  {
    name: "aborted",
    act: (stage) => withSession(stage, (id) => abortMaintenance(stage.api, id, "changed my mind")),
  },
  { name: "paused and resumed", act: (stage) => pause(stage) },
  { name: "frozen and thawed", act: (stage) => freezeCloud(stage) },
  {
    name: "hosts retried",
    act: (stage) => withHost(stage, (id, host) => retryHost(stage.api, id, host)),
  },
  {
    name: "hosts released",
    act: (stage) => withHost(stage, (id, host) => releaseHost(stage.api, id, host)),
  },
  { name: "inventory read again", act: (stage) => ask(stage, () => startSync(stage.api)) },

  ...Object.keys(MANNERS).map((manner) => ({
    name: `managers ${manner}`,
    shape: (draft: Draft, chance: Chance) => employ(draft, chance, manner as keyof typeof MANNERS),
  })),
];

/** Gives a project without one a manager of that kind; sessions then talk as it understands. */
const employ = (draft: Draft, chance: Chance, manner: keyof typeof MANNERS): void => {
  const { cloud, managers, sessions } = draft;
  const alone = cloud.projects.filter(
    ({ name }) => !managers.some(({ project }) => project === name),
  );
  if (alone.length === 0) return;
  const { name: project } = oneOf(chance, alone);
  const workflow = sessions[0]?.request.workflow ?? oneOf(chance, ["vnf", "vnf", "default"]);
  const dialect =
    workflow === "default" ? "doctorSample" : oneOf(chance, ["doctorVnfm", "tacker"] as const);
  const hears = oneOf(chance, ["alarm", "alarm", "webhook"] as const);
  managers.push({ project, manner, dialect, hears });
  const dialogue = { reply_seconds: whole(chance, 20, 60), scale_seconds: whole(chance, 20, 60) };
  for (const { request } of sessions) Object.assign(request, { workflow, dialogue });
  const active = cloud.instances.find((one) => one.project === project && one.metadata?.["tier"]);
  if (active) active.metadata = { ...active.metadata, [MARK]: "here" };
};

const rates = (draft: Draft, more: Draft["rates"]): void => {
  draft.rates = { ...draft.rates, ...more };
};

const share = (sessions: Draft["sessions"]): void => {
  const [first] = sessions;
  if (!first) return;
  const hosts = first.request.hosts;
  sessions.splice(1, sessions.length, { after: 20_000, request: { ...first.request, hosts } });
};

const manner = (receiver: Stage["receiver"], how: Stage["receiver"]["manner"]): void => {
  receiver.manner = how;
};

const killProcess = async ({ lull, later, chance }: Stage): Promise<void> => {
  lull.kill();
  later(whole(chance, 100, 40_000), () => lull.start());
};

/** Fields that came after the first deployments; their absence has a meaning in every schema. */
const LATER_FIELDS = ["canary", "soak_minutes", "reserve_hosts", "next_windows", "preflight"];

/** What a deployment of before these fields had written is read by this one. */
const ageRows = async (stage: Stage): Promise<void> => {
  stage.lull.kill();
  const { database } = stage.lull.stack();
  for (const item of itemsOf(stage)) {
    const kind = item["kind"]?.["S"];
    if (kind !== "session" && kind !== "host_run" && kind !== "move") continue;
    const old = Object.entries(item).filter(([name]) => !LATER_FIELDS.includes(name));
    database.handle("PutItem", {
      TableName: tableIn(stage.hands.template),
      Item: Object.fromEntries(old),
    });
  }
  await stage.lull.start();
};

/** For a minute, requests of invocations end so with a probability. */
const fates = (
  { fates: all, later }: Stage,
  fate: keyof Stage["fates"],
  probability: number,
): void => {
  all[fate] = probability;
  later(60_000, () => {
    all[fate] = 0;
  });
};

const fault = ({ simulator }: Stage, given: Fault): void =>
  void simulator.happen({ kind: "fault", fault: given });

/** A service answers so now and then, or always for a while. */
const unwell = (stage: Stage, what: Pick<Fault, "service">, status: number): void => {
  const { chance } = stage;
  const effect = {
    kind: "error" as const,
    status,
    ...(status === 429 && { retry_after: whole(chance, 1, 20) }),
    ...(chances(chance, 0.2) && { html: true }),
  };
  fault(stage, {
    ...what,
    effect,
    times: whole(chance, 3, 25),
    probability: oneOf(chance, [0.2, 1]),
  });
};

const MOVE = { service: "compute", method: "POST", body: "os-migrateLive" } as const;

const refuse = (stage: Stage, status: number): void =>
  fault(stage, {
    ...MOVE,
    times: whole(stage.chance, 1, 3),
    effect: { kind: "error", status, message: "refused by chance" },
  });

/** On calls that change something: moves, and services enabled or disabled. */
const onCalls = (stage: Stage, effect: Fault["effect"]): void => {
  const { chance } = stage;
  fault(stage, { ...MOVE, times: whole(chance, 1, 2), effect });
  fault(stage, {
    service: "compute",
    method: "PUT",
    path: "^/os-services/",
    times: whole(chance, 1, 2),
    effect,
  });
};

type DriverFaults = Extract<Deed, { kind: "driver" }>["faults"][string];

const drivers = ({ simulator, later, chance }: Stage, behaviour: DriverFaults): void => {
  simulator.happen({ kind: "driver", faults: { "*": behaviour } });
  later(whole(chance, 20, 120) * 1_000, () => simulator.happen({ kind: "driver", faults: {} }));
};

const instancesOn = ({ simulator: { world } }: Stage, hosts: readonly Host[]): Instance[] =>
  [...world.instances.values()].filter(
    ({ host, vm_state }) =>
      host !== null && vm_state !== "deleted" && hosts.some(({ name }) => name === host),
  );

/** Hosts that Lull has taken out of service, or all when there is none. */
const hostsInHand = ({ simulator: { world } }: Stage): Host[] => {
  const all = [...world.hosts.values()];
  const inHand = all.filter(({ disabled_reason }) => disabled_reason?.startsWith("lull:"));
  return inHand.length > 0 ? inHand : all;
};

/** Somebody does something to an instance that is being moved away, if there is one. */
const withInstance = (stage: Stage, deed: (id: string) => Deed): void => {
  const all = instancesOn(stage, hostsInHand(stage));
  if (all.length === 0) return;
  const { id } = oneOf(stage.chance, all);
  stage.others.instances.add(id);
  stage.simulator.happen(deed(id));
};

/** Somebody moves an instance on as soon as it has come off a host that is being drained. */
const thirdHost = (stage: Stage): void => {
  const { simulator, later, chance, others } = stage;
  const { world } = simulator;
  const from = world.history.length;
  const look = (tries: number): void => {
    const moved = world.history
      .slice(from)
      .find(
        ({ kind, field, id }) =>
          kind === "instance" && field === "host" && world.instances.get(id)?.group_id === null,
      );
    const instance = world.instances.get(moved?.id ?? "");
    if (!instance?.host) {
      if (tries > 0) later(100, () => look(tries - 1));
      return;
    }
    const choice = [...world.hosts.values()].filter(
      (host) =>
        host.status === "enabled" &&
        host.name !== instance.host &&
        hasRoom(world, host, resourcesOf(instance)),
    );
    if (choice.length === 0) return;
    others.instances.add(instance.id);
    simulator.happen({ kind: "move_on", instance: instance.id, host: oneOf(chance, choice).name });
  };
  look(1_500);
};

const isTaken = ({ simulator: { world } }: Stage, name: string): boolean =>
  [...world.instances.values()].some((one) => one.name === name);

const create = (stage: Stage, host: Host, flavor: string): void => {
  const { simulator, hands } = stage;
  const { world } = simulator;
  const found = world.flavors.find(({ name }) => name === flavor);
  const name = `late-${hands.clock.now()}-${host.name}`;
  if (!found || isTaken(stage, name)) return;
  if (hasRoom(world, host, resourcesOf({ flavor: found, volumes: [] })))
    simulator.happen({
      kind: "appear",
      instance: { name, project: "alpha", flavor, host: host.name },
    });
};

/** The scheduler had chosen the host just before it was disabled. */
const appear = (stage: Stage): void => {
  const { simulator, hands, chance } = stage;
  const justNow = hands.clock.now() - 15_000;
  const recent = simulator.world.history
    .filter(
      ({ kind, field, at, after }) =>
        kind === "host" && field === "status" && at >= justNow && after === "disabled",
    )
    .flatMap(({ id }) => simulator.world.hosts.get(id) ?? []);
  const hosts = [...simulator.world.hosts.values()].filter(({ status }) => status === "enabled");
  const choice = recent.length > 0 ? recent : hosts;
  if (choice.length > 0) create(stage, oneOf(chance, choice), "m1.tiny");
};

const fillUp = (stage: Stage): void => {
  const hosts = [...stage.simulator.world.hosts.values()].filter(
    (host) => host.status === "enabled",
  );
  for (const host of hosts) create(stage, host, oneOf(stage.chance, ["m1.small", "m1.medium"]));
};

type Reborn = Omit<Extract<Deed, { kind: "start_host" }>, "kind" | "host">;

/** What a host's death does to its guests and to those on their way there is not Lull's doing. */
const excuseGuests = (stage: Stage, name: string): void => {
  const { world } = stage.simulator;
  for (const { id, host } of world.instances.values())
    if (host === name) stage.others.instances.add(id);
  for (const { instance_id, dest } of world.migrations)
    if (dest === name) stage.others.instances.add(instance_id);
};

const killHost = (stage: Stage, as: Reborn): void => {
  const { chance, simulator, later } = stage;
  const { name } = oneOf(chance, hostsInHand(stage));
  excuseGuests(stage, name);
  simulator.happen({ kind: "kill_host", host: name });
  later(whole(chance, 30, 150) * 1_000, () =>
    simulator.happen({ kind: "start_host", host: name, ...as }),
  );
};

const freezeHost = (stage: Stage): void => {
  const { chance, simulator, later } = stage;
  const { name } = oneOf(chance, [...simulator.world.hosts.values()]);
  excuseGuests(stage, name);
  simulator.happen({ kind: "freeze_host", host: name });
  later(whole(chance, 30, 150) * 1_000, () => simulator.happen({ kind: "start_host", host: name }));
};

const setService = (stage: Stage, status: "enabled" | "disabled"): void => {
  const { chance, simulator, others } = stage;
  const all = [...simulator.world.hosts.values()];
  const choice = status === "enabled" ? hostsInHand(stage) : all;
  const { name } = oneOf(chance, choice);
  others.hosts.add(name);
  const disabled_reason = status === "disabled" ? "by hand" : null;
  simulator.happen({ kind: "set_service", host: name, status, disabled_reason });
};

const downFor = ({ simulator, later, chance }: Stage): void => {
  simulator.happen({ kind: "cell_down", cell: "cell1" });
  later(whole(chance, 10, 120) * 1_000, () => simulator.happen({ kind: "cell_up", cell: "cell1" }));
};

const withSession = async (stage: Stage, act: (id: string) => Promise<unknown>): Promise<void> => {
  if (stage.sessions.length > 0) await ask(stage, () => act(oneOf(stage.chance, stage.sessions)));
};

const pause = (stage: Stage): Promise<void> =>
  withSession(stage, async (id) => {
    stage.later(whole(stage.chance, 20, 120) * 1_000, () =>
      ask(stage, () => resumeMaintenance(stage.api, id)),
    );
    return pauseMaintenance(stage.api, id, "lunch");
  });

const freezeCloud = async (stage: Stage): Promise<void> => {
  stage.later(whole(stage.chance, 20, 120) * 1_000, () => ask(stage, () => thaw(stage.api)));
  await ask(stage, () => freeze(stage.api, "storage is unwell"));
};

/** Now and again for some minutes: each host of a session in turn. */
const withHost = (stage: Stage, act: (id: string, host: string) => Promise<unknown>): void => {
  for (const minute of [0, 1, 2])
    stage.later(minute * 60_000, () =>
      withSession(stage, (id) =>
        act(id, oneOf(stage.chance, [...stage.simulator.world.hosts.keys()])),
      ),
    );
};
