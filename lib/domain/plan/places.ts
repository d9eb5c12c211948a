import { type HostRun, isActive, type Place } from "../host-run.ts";
import type { Session } from "../session.ts";

/** Whether the host takes one of the places of its session: it is at work, and not merely cordoned. */
export const takesPlace = (run: HostRun): boolean =>
  isActive(run) && run.phase !== "CORDONED" && !run.cordon;

/** How many hosts of one kind may be at work at a time. */
type Limit = {
  readonly brake: "max_parallel_hosts" | "max_parallel_per" | "canary";
  readonly kind: string;
  readonly most: number;
};

/** Counts the places that are taken while one host after the other is chosen. */
export type Places = {
  /** The brakes that leave no place for the host. */
  readonly fullFor: (run: HostRun) => Limit["brake"][];
  readonly take: (run: HostRun) => void;
};

/** @param onTrial models whose hosts go one at a time */
export const openPlaces = (
  session: Session,
  runs: readonly HostRun[],
  onTrial: ReadonlySet<string>,
): Places => {
  const taken = new Map<string, number>();
  const places: Places = {
    fullFor: (run) =>
      limitsOn(session, run, onTrial)
        .filter(({ kind, most }) => (taken.get(kind) ?? 0) >= most)
        .map(({ brake }) => brake),
    take: (run) => {
      for (const { kind } of limitsOn(session, run, onTrial))
        taken.set(kind, (taken.get(kind) ?? 0) + 1);
    },
  };
  for (const run of runs) if (takesPlace(run)) places.take(run);
  return places;
};

const limitsOn = (session: Session, run: HostRun, onTrial: ReadonlySet<string>): Limit[] => {
  const { model } = run.place;
  return [
    { brake: "max_parallel_hosts", kind: "", most: session.max_parallel_hosts },
    ...Object.entries(session.max_parallel_per).flatMap(([by, most]): Limit[] => {
      const kind = kindOf(run.place, by);
      return kind === null ? [] : [{ brake: "max_parallel_per", kind: `per ${kind}`, most }];
    }),
    ...(onTrial.has(model) ? [{ brake: "canary", kind: `model ${model}`, most: 1 } as const] : []),
  ];
};

/** What the host shares with others as to `zone`, `cell` or a label, such as `rack=r1`; null = nothing. */
export const kindOf = (
  { zone, cell, labels }: Pick<Place, "zone" | "cell" | "labels">,
  by: string,
): string | null => {
  const value = by === "zone" ? zone : by === "cell" ? cell : labels[by];
  return value ? `${by}=${value}` : null;
};
