import type { HostRun, SessionDetail } from "../client/maintenance.ts";

/** How a host counts in one word, in the order in which they are told. */
const STANDS = [
  "done",
  "moving",
  "cordoned",
  "held",
  "in work",
  "coming back",
  "failed",
  "put back",
  "waiting",
] as const;
type Stand = (typeof STANDS)[number];

const BY_PHASE: Readonly<Record<string, Stand>> = {
  WAITING: "waiting",
  CORDONED: "cordoned",
  IN_MAINTENANCE: "in work",
  VERIFYING: "coming back",
  RETIRING: "coming back",
  RESTORING: "coming back",
  STARTING: "coming back",
  ENABLING: "coming back",
  COMPLETING: "coming back",
};

const BY_OUTCOME: Readonly<Record<string, Stand>> = { failed: "failed", restored: "put back" };

const standOf = ({ phase, outcome, hostname }: HostRun, held: ReadonlySet<string>): Stand => {
  if (phase === "FINISHED") return BY_OUTCOME[outcome ?? ""] ?? "done";
  if (held.has(hostname)) return "held";
  return BY_PHASE[phase] ?? "moving";
};

/** "17 done 2 moving 1 held 21 waiting": hosts by how they stand. */
export const standsOf = ({ hosts, attention }: SessionDetail): string => {
  const held = new Set(
    attention.flatMap(({ code, host }) => (code === "host_held" && host ? [host] : [])),
  );
  const stands = hosts.map((run) => standOf(run, held));
  return STANDS.flatMap((stand) => {
    const count = stands.filter((one) => one === stand).length;
    return count > 0 ? [`${count} ${stand}`] : [];
  }).join(" ");
};

export const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;
