/** A row of the table as `drive` sees it in the stream; only what decides is named. */
export type SeenRow = Readonly<Record<string, unknown>>;

/** What a change of one row asks of the engine. */
export type Reaction =
  | { readonly act: "start"; readonly run_id: string }
  | { readonly act: "wake"; readonly run_id: string }
  | { readonly act: "wake_session"; readonly session_id: string }
  /** Every run that is active, in all sessions. */
  | { readonly act: "wake_all" };

/** Fields of a session that its own run, and those of its hosts, must look at when they change. */
const SESSION_ORDERS = ["control", "holds", "retried", "overrides"];

/** Phases that a host enters at its own word and its session waits for. */
const AWAITED = new Set<unknown>(["CORDONED", "FINISHED", "WAITING"]);

const changed = (field: string, before: SeenRow | undefined, after: SeenRow): boolean =>
  JSON.stringify(before?.[field]) !== JSON.stringify(after[field]);

const text = (row: SeenRow, field: string): string => String(row[field]);

/**
 * Who must act on a changed row: a run with a new generation wants an execution, a host that
 * finished, or a hook or an ask that was answered, wakes the run waiting for it, an order to a session wakes
 * the session and its hosts, one to the whole cloud wakes everybody. A removed row asks nothing of anybody.
 */
export const reactionsTo = (
  before: SeenRow | undefined,
  after: SeenRow | undefined,
): Reaction[] => {
  if (after === undefined) return [];
  switch (after["kind"]) {
    case "run":
      return after["status"] === "active" && changed("generation", before, after)
        ? [{ act: "start", run_id: text(after, "run_id") }]
        : [];
    case "host_run":
      return before === undefined ? [] : reactionsToHost(before, after);
    case "session":
      return before !== undefined && SESSION_ORDERS.some((field) => changed(field, before, after))
        ? [{ act: "wake_session", session_id: text(after, "session_id") }]
        : [];
    case "ask":
    case "hook":
      return before !== undefined && changed("answer", before, after)
        ? [{ act: "wake", run_id: text(after, "run_id") }]
        : [];
    case "freeze":
    case "cloud_health":
      return ["frozen", "why"].some((field) => changed(field, before, after))
        ? [{ act: "wake_all" }]
        : [];
    default:
      return [];
  }
};

const reactionsToHost = (before: SeenRow, after: SeenRow): Reaction[] => {
  const moved = changed("phase", before, after);
  const session: Reaction = { act: "wake", run_id: text(after, "session_id") };
  // The session has let it go on.
  if (moved && before["phase"] === "CORDONED" && after["phase"] === "ASKING")
    return [{ act: "wake", run_id: text(after, "run_id") }];
  const tells = (moved && AWAITED.has(after["phase"])) || changed("alarm", before, after);
  return tells ? [session] : [];
};
