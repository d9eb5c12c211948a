import { ApiError } from "../client/errors.ts";
import { getHost, type Host } from "../client/hosts.ts";
import {
  getMaintenanceDetail,
  type HostRun,
  type Instance,
  listMaintenance,
  type SessionDetail,
} from "../client/maintenance.ts";
import type { Api } from "../client/request.ts";
import { isOver, shortId } from "./session-text.ts";
import { type Wait, waitsOf } from "./waits.ts";

/** Sessions looked into, the newest first: what happened before them is history, not a reason. */
const LOOK_BACK = 20;

/** What Lull knows of a host or an instance. */
export type Known = {
  /** As the inventory has it; null for an instance. */
  readonly host: Host | null;
  /** Null when no session among the newest has it. */
  readonly detail: SessionDetail | null;
  readonly run: HostRun | null;
  /** Null when it is the host that is asked about. */
  readonly instance: Instance | null;
};

/** An id may be given by its beginning, as far as the first dash. */
const isMeant = (row: Instance, name: string): boolean =>
  row.instance_id === name ||
  row.instance_name === name ||
  (name.length >= 8 && row.instance_id.startsWith(name));

const within = (detail: SessionDetail, name: string): Omit<Known, "host"> | null => {
  const run = detail.hosts.find(({ hostname }) => hostname === name);
  if (run) return { detail, run, instance: null };
  const instance = detail.instances.find((row) => isMeant(row, name));
  if (!instance) return null;
  const of = detail.hosts.find(({ hostname }) => hostname === instance.host);
  return { detail, run: of ?? null, instance };
};

const hostNamed = async (api: Api, name: string): Promise<Host | null> => {
  try {
    return await getHost(api, name);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
};

/** The newest open session that has it, else the newest one at all. */
const inSessions = async (api: Api, name: string): Promise<Omit<Known, "host"> | null> => {
  let last: Omit<Known, "host"> | null = null;
  let looked = 0;
  for await (const { session_id } of listMaintenance(api)) {
    const detail = await getMaintenanceDetail(api, session_id);
    const found = within(detail, name);
    if (found && !isOver(detail)) return found;
    last ??= found;
    looked += 1;
    if (looked >= LOOK_BACK) break;
  }
  return last;
};

/** @returns null when neither the inventory nor the newest sessions have the name */
export const whatIsKnown = async (api: Api, name: string): Promise<Known | null> => {
  const host = await hostNamed(api, name);
  const owner = host?.session_id ? await getMaintenanceDetail(api, host.session_id) : null;
  const found = (owner && within(owner, name)) ?? (await inSessions(api, name));
  if (found) return { ...found, host };
  return host ? { host, detail: null, run: null, instance: null } : null;
};

/** The rules that hold it: the session's own, its host's, and for an instance only its own among those. */
export const holdsOn = ({ detail, run, instance }: Known): readonly Wait[] =>
  detail === null
    ? []
    : waitsOf(detail).filter(
        (wait) =>
          (wait.host === null || wait.host === run?.hostname) &&
          (instance === null ||
            wait.instance_id === null ||
            wait.instance_id === instance.instance_id),
      );

/** What stops all comes before what stops one. */
const FIRST = ["frozen", "paused", "breaker", "host_failed", "host_held"];

const rank = ({ code }: Wait): number => {
  const index = FIRST.indexOf(code);
  return index < 0 ? FIRST.length : index;
};

const NEXT: Readonly<Record<string, string>> = {
  WAITING: "it begins when its turn comes",
  CORDONED: "it takes no new instances and waits for its turn",
  ASKING: "its instances move as their owners answer, or have had their time",
  MOVING: "its instances go on moving; then it is proven empty",
  IN_MAINTENANCE: "its work goes on; then it is checked",
  VERIFYING:
    "it is put back when its heartbeat has come three times and it offers no less than before",
  FINISHED: "nothing",
};

/** What happens by itself next. */
export const nextOf = (known: Known): string => {
  const [first] = holdsOn(known).toSorted((a, b) => rank(a) - rank(b));
  if (first?.next) return first.next;
  if (known.run === null) return "nothing";
  return NEXT[known.run.phase] ?? "its next phase";
};

/** The one command to type; null when nothing but waiting is left. */
export const commandOf = (known: Known): string | null => {
  const { detail, run } = known;
  if (detail === null || run === null) return null;
  const holds = holdsOn(known).toSorted((a, b) => rank(a) - rank(b));
  const command = holds.find((wait) => wait.command !== null)?.command ?? null;
  if (command === null || !command.startsWith("lull why")) return command;
  // Who asks why is already here: where moves are stuck, a person can have them tried anew.
  return run.phase === "MOVING"
    ? `lull maintenance retry ${shortId(detail)} ${run.hostname}`
    : `lull maintenance show ${shortId(detail)} --events`;
};
