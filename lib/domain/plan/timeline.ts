/**
 * What happens when, in seconds from t = 0; hosts and instances by their index in the cluster. An
 * open host takes no instances; one that could not be emptied is closed again, and takes them.
 */
export type PlanEvent =
  | { readonly t: number; readonly event: "host_open" | "host_close"; readonly host: number }
  | {
      readonly t: number;
      readonly event: "migrate_start" | "migrate_end";
      readonly instance: number;
      readonly from: number;
      readonly to: number;
    }
  | { readonly t: number; readonly event: "work_start" | "work_end"; readonly host: number };

/** The rules that can keep a host from being emptied, or from being opened. */
export type BlockingRule =
  | "capacity"
  | "anti-affinity"
  | "affinity"
  | "max_instances_per_host"
  | "no_target"
  | "pinned"
  | "max_impacted_members"
  | "window"
  | "reserve"
  | "not_found";

/**
 * Why a host is not maintained: the instance that has no place and the rule that keeps it.
 * `no_target`: no host may take it whatever its room (zone, cell, version, refusals). `not_found`:
 * the search found no order of moves, and no proof that there is none.
 */
export type Blocked = {
  readonly host: number;
  readonly instance: number | null;
  readonly rule: BlockingRule;
  /** What would have to become free, per resource class; null where room is not what is missing. */
  readonly missing: readonly number[] | null;
};

export type Plan = {
  readonly timeline: readonly PlanEvent[];
  readonly blocked: readonly Blocked[];
  /** When the last host is done; 0 = there is nothing to do. */
  readonly makespan_seconds: number;
  readonly migrations: number;
};
