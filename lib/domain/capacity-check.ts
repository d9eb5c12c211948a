import type { Finding } from "./errors.ts";
import { movabilityOf } from "./instances.ts";
import { COUNTED, type HostRoom } from "./plan/reserve.ts";
import type { Candidate } from "./preflight.ts";
import type { PreflightSummary, Session } from "./session.ts";

type Rules = Pick<Session, "policies" | "targets" | "reserve_hosts" | "workflow">;
type Resource = (typeof COUNTED)[number];

const WORDS: Readonly<Record<Resource, string>> = {
  MEMORY_MB: "MiB of memory",
  VCPU: "processors",
};

/**
 * Whether what has to leave each host finds room in its zone, by sums alone: what does not fit in sum
 * does not fit at all. A host that would not fit if every host of the zone were in service blocks;
 * so much room cannot come by waiting, unless projects are asked to scale in. One that does not fit
 * beside the reserve now is a warning.
 */
export const capacityOn = (
  candidates: readonly Candidate[],
  rooms: readonly HostRoom[],
  rules: Rules,
): { readonly findings: Finding[]; readonly warnings: PreflightSummary["warnings"] } => {
  const findings: Finding[] = [];
  const warnings: PreflightSummary["warnings"] = [];
  for (const candidate of candidates) {
    const short = shortageOf(candidate, rooms, rules);
    if (short === null) continue;
    const { message, forGood } = short;
    if (forGood && rules.workflow !== "vnf")
      findings.push({ path: candidate.host, code: "capacity_short", message });
    else warnings.push({ code: "capacity_short", message: `${candidate.host}: ${message}` });
  }
  return { findings, warnings };
};

const shortageOf = (
  { host, guests }: Candidate,
  rooms: readonly HostRoom[],
  rules: Rules,
): { readonly message: string; readonly forGood: boolean } | null => {
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
