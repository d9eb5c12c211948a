import { type HostRun, isActive } from "../host-run.ts";
import type { Session } from "../session.ts";
import type { Order } from "./agenda.ts";
import { awaitsTurn } from "./canary.ts";
import { openPlaces, takesPlace } from "./places.ts";
import type { Guard, Shortage } from "./reserve.ts";
import { waitsForOthers } from "./yielding.ts";

/** What is known besides the rows of session and hosts. */
export type Brakes = {
  /** Models whose hosts go one at a time. */
  readonly onTrial: ReadonlySet<string>;
  /** Holds the reserve; null while nobody has asked Placement. */
  readonly guard: Guard | null;
  /** Hosts whose instances would find no room elsewhere now: others go first. */
  readonly misfits?: ReadonlySet<string>;
  /** In which order the hosts are taken. */
  readonly order: Order;
};

/** Which hosts to start, which to disable early, and what keeps the others back. */
export type Selection = {
  readonly start: readonly HostRun[];
  readonly cordon: readonly HostRun[];
  /** Models of hosts that would start but for the trial of their model. */
  readonly heldByTrial: readonly string[];
  readonly shortages: readonly Shortage[];
  /** Hosts that would start, if anybody knew what they hold. */
  readonly unknown: readonly string[];
  /** The host that would start next, if the plan did not have others done before, and until when it waits; null = none. */
  readonly early: { readonly host: string; readonly until: string } | null;
};

/**
 * Which hosts to start now, in their order, which does not depend on that of `runs`: cordoned ones
 * first, as they are out of scheduling already. A host that one of the brakes keeps back lets the
 * others pass, but a zone that is short of room is closed for all of its hosts.
 *
 * A host that failed counts as finished: were its place kept, one host that waits for a human
 * would stop the whole session.
 */
export const selectHosts = (
  session: Session,
  runs: readonly HostRun[],
  { onTrial, guard, misfits = new Set(), order }: Brakes,
): Selection => {
  const places = openPlaces(session, runs, onTrial);
  const start: HostRun[] = [];
  const heldByTrial = new Set<string>();
  const shortages = new Map<string, Shortage>();
  const unknown: string[] = [];
  const ready = runs.filter(
    (run) => awaitsTurn(run) && !waitsForOthers(run, runs) && !misfits.has(run.host),
  );
  const tryToStart = (run: HostRun): void => {
    const full = places.fullFor(run);
    if (full.every((brake) => brake === "canary") && full.length > 0)
      heldByTrial.add(run.place.model);
    if (full.length > 0 || shortages.has(run.place.zone)) return;
    const refusal = guard?.start(run) ?? null;
    if (refusal === "unknown") unknown.push(run.host);
    else if (refusal !== null) shortages.set(run.place.zone, refusal);
    else {
      start.push(run);
      places.take(run);
    }
  };
  const { due = [], early = [] } = Object.groupBy(inOrder(ready, order), (run) =>
    order.wait(run) === null ? "due" : "early",
  );
  due.forEach(tryToStart);
  if (start.length === 0 && !runs.some(takesPlace)) early.forEach(tryToStart);
  const cordon = hostsToCordon(session, runs, new Set(start), {
    guard,
    misfits,
    order,
    closed: shortages,
  });
  const held = early.find((run) => !start.includes(run) && places.fullFor(run).length === 0);
  const wait = held ? order.wait(held) : null;
  // If the room is lacking, too, that says more than the plan, which knows it.
  const refusal = (held && !cordon.includes(held) && guard?.start(held)) || null;
  if (held && refusal !== null && refusal !== "unknown") shortages.set(held.place.zone, refusal);
  return {
    start,
    cordon,
    heldByTrial: [...heldByTrial],
    shortages: [...shortages.values()],
    unknown,
    early: held && wait && refusal === null ? { host: held.host, until: wait.until } : null,
  };
};

const inOrder = (runs: readonly HostRun[], { compare }: Order): HostRun[] =>
  runs.toSorted(
    (a, b) => Number(a.phase === "WAITING") - Number(b.phase === "WAITING") || compare(a, b),
  );

type Cordoning = Required<Pick<Brakes, "guard" | "misfits" | "order">> & {
  /** Zones that are short of room. */
  readonly closed: ReadonlyMap<string, Shortage>;
};

/**
 * The next hosts to disable early: up to `cordon_ahead` in all, and only within the reserve. While
 * nothing is at work there is nobody to wait for: it would only take room away.
 */
const hostsToCordon = (
  { cordon_ahead }: Session,
  runs: readonly HostRun[],
  started: ReadonlySet<HostRun>,
  { guard, misfits, order, closed }: Cordoning,
): HostRun[] => {
  if (started.size === 0 && !runs.some(takesPlace)) return [];
  const rest = runs.filter((run) => !started.has(run));
  const cordoned = rest.filter((run) => isActive(run) && !takesPlace(run)).length;
  const next = rest.filter(
    (run) => run.phase === "WAITING" && !waitsForOthers(run, runs) && !misfits.has(run.host),
  );
  return inOrder(next, order)
    .slice(0, Math.max(0, cordon_ahead - cordoned))
    .filter((run) => !closed.has(run.place.zone) && (guard?.cordon(run) ?? null) === null);
};
