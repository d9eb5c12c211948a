/** A host that Placement says has room for the instance. */
export type Target = {
  readonly host: string;
  readonly zone: string;
  /** Null where Nova does not tell. */
  readonly cell: string | null;
  readonly hypervisorVersion: number;
  /** Share of its memory that is free, 0 to 1; what the instance would take included. */
  readonly freeShare: number;
  readonly enabledAndUp: boolean;
  /** The session that owns it, if any. */
  readonly ownedBy: string | null;
  /** Whether this session has maintained it already. */
  readonly maintained: boolean;
  /** Maintained, and others of its model wait until it has been shown to bear an instance. */
  readonly onTrial: boolean;
};

export type Wish = {
  readonly sessionId: string;
  readonly source: Pick<Target, "host" | "zone" | "cell" | "hypervisorVersion">;
  /** The only hosts allowed; empty = any. */
  readonly allowed: readonly string[];
  /** Hosts that refused this instance before. */
  readonly refused: readonly string[];
  /** Where it goes by the plan; null = the plan does not say. */
  readonly planned: string | null;
  /** Hosts where a member of one of its hard anti-affinity groups is. */
  readonly apart: readonly string[];
};

/**
 * Orders the hosts an instance may go to, best first; an empty answer means that it must wait.
 *
 * Hard: enabled and up, not owned by another session, the same zone and cell, never a lower hypervisor
 * version (Nova refuses it: DestinationHypervisorTooOld), not refused before, no member of the
 * same hard anti-affinity group. Preferred: a host on trial, so that the others need not wait; then
 * the one that the plan has for it; then hosts that need no further move (maintained ones and those outside the session) before hosts that
 * still have to be emptied, then the most free memory, then the name.
 */
export const rankTargets = (wish: Wish, targets: readonly Target[]): Target[] => {
  const settled = (target: Target) => target.maintained || target.ownedBy === null;
  return targets
    .filter(
      (target) =>
        target.host !== wish.source.host &&
        target.enabledAndUp &&
        (target.ownedBy === null || target.ownedBy === wish.sessionId) &&
        target.zone === wish.source.zone &&
        isSameCell(target, wish.source) &&
        target.hypervisorVersion >= wish.source.hypervisorVersion &&
        (wish.allowed.length === 0 || wish.allowed.includes(target.host)) &&
        !wish.refused.includes(target.host) &&
        !wish.apart.includes(target.host),
    )
    .toSorted(
      (a, b) =>
        Number(b.onTrial) - Number(a.onTrial) ||
        Number(b.host === wish.planned) - Number(a.host === wish.planned) ||
        Number(settled(b)) - Number(settled(a)) ||
        b.freeShare - a.freeShare ||
        (a.host < b.host ? -1 : 1),
    );
};

type InCell = Pick<Target, "cell">;

/** Nothing moves live from cell to cell; what is not known is no obstacle. */
export const isSameCell = (a: InCell, b: InCell): boolean =>
  a.cell === null || b.cell === null || a.cell === b.cell;
