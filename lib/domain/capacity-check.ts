import type { Finding } from "./errors.ts";
import { movabilityOf } from "./instances.ts";
import { COUNTED, type HostRoom } from "./plan/reserve.ts";
import type { Candidate } from "./preflight.ts";
import type { PreflightSummary, Session } from "./session.ts";

type Rules = Pick<Session, "policies" | "targets" | "reserve_hosts">;
type Resource = (typeof COUNTED)[number];

const WORDS: Readonly<Record<Resource, string>> = {
  MEMORY_MB: "MiB of memory",
  VCPU: "processors",
};

/** What does not fit. */
export type Shortage = {
  readonly host: string;
  readonly message: string;
  /** Whether it would not fit even with every host in service. */
  readonly forGood: boolean;
  /** Projects on the hosts of the zone that were looked at: if they scale in, there is more room. */
  readonly projects: readonly string[];
};

/**
 * Whether what has to leave each host finds room in its zone, by sums alone: what does not fit in sum
 * does not fit at all.
 */
export const shortagesOn = (
  candidates: readonly Candidate[],
  rooms: readonly HostRoom[],
  rules: Rules,
): Shortage[] => {
  const zones = new Map(rooms.map(({ host, zone }) => [host, zone]));
  return candidates.flatMap((candidate) => {
    const short = shortageOf(candidate, rooms, rules);
    if (short === null) return [];
    const { host } = candidate;
    const near = candidates.filter((other) => zones.get(other.host) === zones.get(host));
    const owners = near.flatMap(({ guests }) => guests.map(({ projectId }) => projectId));
    return [{ host, ...short, projects: [...new Set(owners)] }];
  });
};

/**
 * What does not fit for good blocks, for such room cannot come by waiting, unless the session lets
 * owners decide (workflow `vnf`) or one of these projects can be asked to scale in. Whatever else
 * does not fit, its reserve left alone, is a warning.
 *
 * @param askable the projects that can be asked
 */
export const capacityVerdict = (
  shortages: readonly Shortage[],
  { workflow }: Pick<Session, "workflow">,
  askable: ReadonlySet<string>,
): { readonly findings: Finding[]; readonly warnings: PreflightSummary["warnings"] } => {
  const blocks = ({ forGood, projects }: Shortage) =>
    forGood && workflow !== "vnf" && !projects.some((id) => askable.has(id));
  const code = "capacity_short";
  return {
    findings: shortages.filter(blocks).map(({ host, message }) => ({ path: host, code, message })),
    warnings: shortages
      .filter((short) => !blocks(short))
      .map(({ host, message }) => ({ code, message: `${host}: ${message}` })),
  };
};

const shortageOf = (
  { host, guests }: Candidate,
  rooms: readonly HostRoom[],
  rules: Rules,
): Pick<Shortage, "message" | "forGood"> | null => {
  const zone = rooms.find((room) => room.host === host)?.zone;
  if (zone === undefined) return null;
  const near = rooms.filter((room) => room.zone === zone);
  const others = near.filter(
    (room) =>
      room.host !== host && (rules.targets.length === 0 || rules.targets.includes(room.host)),
  );
  const leaving = guests.filter((guest) =>
    ["live", "cold"].includes(movabilityOf(guest, rules.policies).kind),
  );
  const now = others.filter(({ takes }) => takes);
  for (const resource of COUNTED) {
    const needed = leaving.reduce((sum, { needs }) => sum + needs[resource], 0);
    if (needed === 0) continue;
    const atBest = freeOn(others, resource);
    if (needed > atBest)
      return {
        message: `its instances need ${needed} ${WORDS[resource]}, and zone ${zone} has ${atBest} besides even with all hosts in service; make room, or name other targets`,
        forGood: true,
      };
    const reserve =
      rules.reserve_hosts * Math.max(...near.map(({ capacity }) => capacity[resource]));
    const left = freeOn(now, resource) - reserve;
    if (needed > left)
      return {
        message: `its instances need ${needed} ${WORDS[resource]}, and zone ${zone} has ${Math.max(0, left)} to give now, its reserve left alone`,
        forGood: false,
      };
  }
  return null;
};

const freeOn = (rooms: readonly HostRoom[], resource: Resource): number =>
  rooms.reduce(
    (sum, { capacity, used }) => sum + Math.max(0, capacity[resource] - used[resource]),
    0,
  );
