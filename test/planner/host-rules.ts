import { isNear, isRecovered, mayImpact, type Rule, sum, TOLERANCE } from "./rule.ts";
import { at, freeOn, hostAt, leaversOf, staysOn, type World } from "./world.ts";

/** What has to be kept when a host is opened, before it counts as open. */
export const ON_OPEN: readonly Rule<number>[] = [
  [
    "host_open",
    (world, host) =>
      ["closed", "shut"].includes(at(world.stage, host)) &&
      ["waiting", "cordoned", "emptying"].includes(hostAt(world, host).job),
  ],
  [
    "max_parallel_hosts",
    (world) =>
      openHosts(world).length < (world.rules.max_parallel_hosts ?? Number.POSITIVE_INFINITY),
  ],
  [
    "max_parallel_per",
    (world, host) =>
      hostAt(world, host).kinds.every(
        (kind) =>
          openHosts(world).filter((open) => hostAt(world, open).kinds.includes(kind)).length <
          (world.rules.max_parallel_per[kind] ?? Number.POSITIVE_INFINITY),
      ),
  ],
];

/** Hosts that are being emptied or at work. */
const openHosts = ({ stage }: World): number[] =>
  [...stage.keys()].filter((host) => stage[host] === "open" || stage[host] === "work");

/** Whether the room of a zone is enough for what its open hosts still give away, and the reserve. */
export const keepsReserve = (world: World, zone: string): boolean => {
  const { rules, cluster, stage } = world;
  if (rules.reserve_hosts === 0) return true;
  const inZone = [...cluster.hosts.keys()].filter((host) => hostAt(world, host).zone === zone);
  const reserveOf = (host: number) => hostAt(world, host).reserve;
  const emptied = inZone.filter((host) => stage[host] === "open" || reserveOf(host) === "burden");
  const spare = inZone.filter(
    (host) => reserveOf(host) === "spare" && ["closed", "done"].includes(at(stage, host)),
  );
  return cluster.resources.every((name, resource) => {
    if (!rules.reserve_of.includes(name)) return true;
    const free = sum(spare, (host) => freeOn(world, host, resource));
    const leaves = sum(emptied, (host) => at(at(world.used, host), resource));
    const largest = Math.max(...inZone.map((host) => at(hostAt(world, host).capacity, resource)));
    return free - leaves >= rules.reserve_hosts * largest - TOLERANCE;
  });
};

/** What has to be kept when the work on a host begins. */
export const ON_WORK: readonly Rule<number>[] = [
  ["work_start", (world, host) => at(world.stage, host) === "open"],
  ["not_empty", (world, host) => leaversOf(world, host).length === 0],
  ["not_empty", (world, host) => at(world.busy, host) === 0],
  [
    "max_impacted_members",
    (world, host) =>
      [...Map.groupBy(staysOn(world, host), ([, group]) => group)].every(([group, members]) =>
        mayImpact(world, group, members.length),
      ),
  ],
  [
    "recovery_seconds",
    (world, host) => staysOn(world, host).every(([id, group]) => isRecovered(world, group, id)),
  ],
];

/** What has to be kept when it ends. */
export const ON_WORK_END: readonly Rule<number>[] = [
  [
    "work_seconds",
    (world, host) =>
      isNear(world.t - at(world.work_started, host), hostAt(world, host).work_seconds),
  ],
  [
    "ends_in_seconds",
    (world, host) =>
      hostAt(world, host).job === "working" ||
      world.t <= (world.rules.ends_in_seconds ?? Number.POSITIVE_INFINITY) + TOLERANCE,
  ],
];
