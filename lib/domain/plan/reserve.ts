import { type HostRun, PHASES } from "../host-run.ts";
import type { Session } from "../session.ts";
import { awaitsTurn } from "./canary.ts";

/** What of a host is counted: memory and processors decide whether an instance finds room. */
export const COUNTED = ["MEMORY_MB", "VCPU"] as const;
export type Amounts = Readonly<Record<(typeof COUNTED)[number], number>>;

/** A host as Placement counts it now. */
export type HostRoom = {
  readonly host: string;
  readonly zone: string;
  /** With overcommit, without what the host keeps for itself. */
  readonly capacity: Amounts;
  readonly used: Amounts;
  /** Enabled and up, and of no other session: instances may be moved there. */
  readonly takes: boolean;
  /** Another session is emptying it. */
  readonly leaves: boolean;
};

/** A host that its zone has too little room to start. */
export type Shortage = {
  readonly zone: string;
  readonly host: string;
  /** What more would have to be free in the zone; 0 of a resource that is not short. */
  readonly lacks: Amounts;
};

const NOTHING: Amounts = { MEMORY_MB: 0, VCPU: 0 };
const each = (amount: (resource: (typeof COUNTED)[number]) => number): Amounts => ({
  MEMORY_MB: amount("MEMORY_MB"),
  VCPU: amount("VCPU"),
});
const plus = (a: Amounts, b: Amounts): Amounts => each((resource) => a[resource] + b[resource]);
const minus = (a: Amounts, b: Amounts): Amounts => each((resource) => a[resource] - b[resource]);

/** What a zone has: room that may be used, and how much of it must be left. */
type Account = {
  /** On hosts that take instances, less what is still to leave others. */
  readonly free: Amounts;
  /** The same, on the only hosts that the session may move instances to. */
  readonly allowed: Amounts;
  readonly reserve: Amounts;
};

/** Why a host is not begun now: what its zone is short of, or nobody knows what the host holds. */
type Refusal = Shortage | "unknown";

/** Decides for one host after the other; each that is booked leaves less for the next. */
export type Guard = {
  /** Books the emptying of a host, if the reserve allows it. @returns what speaks against it otherwise */
  readonly start: (run: HostRun) => Refusal | null;
  /** The same for a host that is only disabled. */
  readonly cordon: (run: HostRun) => Refusal | null;
};

/**
 * Holds the reserve of each zone: `reserve_hosts` times its largest host stays free on hosts that
 * take instances, after all that still has to leave the hosts being emptied has found its place.
 * So two hosts are never emptied into each other either.
 *
 * Without a reserve a host that goes alone is tried all the same, unless `strict`: Nova then says
 * what does not fit. Any other host of which the rooms say nothing is left for later.
 *
 * @param rooms all hosts of the zones of those that may be booked
 */
export const openGuard = (
  session: Session,
  runs: readonly HostRun[],
  rooms: readonly HostRoom[],
  { strict = false }: { readonly strict?: boolean } = {},
): Guard => {
  const byName = new Map(rooms.map((room) => [room.host, room]));
  const ours = new Map(runs.map((run) => [run.host, run]));
  const accounts = accountsOf(session, rooms, ours);
  let alone = !runs.some(isBeingEmptied);

  const book = (run: HostRun, isEmptied: boolean): Refusal | null => {
    const isTried = !strict && isEmptied && alone && session.reserve_hosts === 0;
    const room = byName.get(run.host);
    const account = accounts.get(room?.zone ?? "");
    if (room === undefined || account === undefined) {
      if (!isTried) return "unknown";
      alone = false;
      return null;
    }
    const after = without(account, {
      room: takesInstances(room, ours) ? minus(room.capacity, room.used) : NOTHING,
      isAllowed: isAllowed(session, room),
      moved: isEmptied ? room.used : NOTHING,
    });
    const lacks = lackIn(after);
    if (lacks !== null && !isTried) return { zone: room.zone, host: room.host, lacks };
    accounts.set(room.zone, after);
    alone &&= !isEmptied;
    return null;
  };
  return { start: (run) => book(run, true), cordon: (run) => book(run, false) };
};

/** The zone with one host less to take instances, and more of them to take. */
const without = (
  account: Account,
  { room, isAllowed: allowed, moved }: { room: Amounts; isAllowed: boolean; moved: Amounts },
): Account => ({
  ...account,
  free: minus(minus(account.free, room), moved),
  allowed: minus(minus(account.allowed, allowed ? room : NOTHING), moved),
});

/** Whether the session may move instances to the host. */
const isAllowed = ({ targets }: Session, { host }: HostRoom): boolean =>
  targets.length === 0 || targets.includes(host);

const accountsOf = (
  session: Session,
  rooms: readonly HostRoom[],
  ours: ReadonlyMap<string, HostRun>,
): Map<string, Account> => {
  const byZone = Map.groupBy(rooms, ({ zone }) => zone);
  return new Map([...byZone].map(([zone, inZone]) => [zone, accountOf(session, inZone, ours)]));
};

/** Whether instances may still have to leave the host. */
const isBeingEmptied = (run: HostRun): boolean =>
  !awaitsTurn(run) &&
  PHASES.indexOf(run.phase) > PHASES.indexOf("WAITING") &&
  PHASES.indexOf(run.phase) <= PHASES.indexOf("VERIFYING_EMPTY");

/** Whether room on the host may be counted on: it is not, or will not be, out of service. */
const takesInstances = (room: HostRoom, ours: ReadonlyMap<string, HostRun>): boolean => {
  const phase = ours.get(room.host)?.phase ?? "WAITING";
  return room.takes && (phase === "WAITING" || phase === "FINISHED");
};

const accountOf = (
  session: Session,
  rooms: readonly HostRoom[],
  ours: ReadonlyMap<string, HostRun>,
): Account => {
  const leaving = rooms
    .filter(({ host, leaves }) => {
      const run = ours.get(host);
      return leaves || (run !== undefined && isBeingEmptied(run));
    })
    .reduce((sum, { used }) => plus(sum, used), NOTHING);
  const taking = rooms.filter((room) => takesInstances(room, ours));
  const freeOn = (hosts: readonly HostRoom[]) =>
    minus(
      hosts.reduce((sum, { capacity, used }) => plus(sum, minus(capacity, used)), NOTHING),
      leaving,
    );
  return {
    free: freeOn(taking),
    allowed: freeOn(taking.filter((room) => isAllowed(session, room))),
    reserve: each(
      (resource) =>
        session.reserve_hosts * Math.max(0, ...rooms.map(({ capacity }) => capacity[resource])),
    ),
  };
};

/** What the zone lacks of its reserve, or of room where the session may move instances to; null = nothing. */
const lackIn = ({ free, allowed, reserve }: Account): Amounts | null => {
  const lacks = each((resource) =>
    Math.max(0, reserve[resource] - free[resource], -allowed[resource]),
  );
  return COUNTED.some((resource) => lacks[resource] > 0) ? lacks : null;
};
