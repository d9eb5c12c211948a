import * as z from "zod";

/**
 * Where a host stands in its maintenance, in the order of the work. A phase is entered when the
 * one before it is proven done, so that a run that dies goes on where the row says.
 */
export const PHASES = [
  "WAITING",
  "DISABLING",
  "CORDONED",
  "ASKING",
  "MOVING",
  "VERIFYING_EMPTY",
  "SILENCING",
  "ENTERING",
  "IN_MAINTENANCE",
  "VERIFYING",
  "RETIRING",
  "RESTORING",
  "STARTING",
  "ENABLING",
  "COMPLETING",
  "FINISHED",
] as const;
export type Phase = (typeof PHASES)[number];

/**
 * How a host's run ended or will end: `maintained` = work done and back as it was; `restored` =
 * work never began and it is back as it was; `failed` = it was left out of service for a human;
 * `released` = it had failed, or was in work at an abort, a human released it, and it came back
 * whole; `retired` = work done, and the cloud no longer knows it.
 */
const outcomeSchema = z.enum(["maintained", "restored", "failed", "released", "retired"]);

/** What Nova said of the compute service before we touched it. */
const priorSchema = z.object({
  service_id: z.string(),
  status: z.enum(["enabled", "disabled"]),
  disabled_reason: z.string().nullable(),
});

/** What the host was worth before the work; it has to come back with no less. */
const worthSchema = z.object({
  provider_id: z.string(),
  hypervisor_version: z.int(),
  inventories: z.record(z.string(), z.number()),
  traits: z.array(z.string()),
  agents: z.array(z.string()),
});
export type Worth = z.infer<typeof worthSchema>;

/** Where the host stands and what it is, as the inventory knew it when the session claimed it. */
const placeSchema = z.object({
  zone: z.string(),
  cell: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  /** Hosts of one model are alike: what one of them stands, the others will. */
  model: z.string(),
});
export type Place = z.infer<typeof placeSchema>;

const NOWHERE: Place = { zone: "", cell: null, labels: {}, model: "" };

const actionRunSchema = z.object({
  plugin: z.string(),
  state: z.enum(["PENDING", "RUNNING", "DONE", "FAILED"]),
  hook_id: z.string().nullable(),
  started_at: z.string().nullable(),
  details: z.string().nullable(),
  /** An admin ended it, with the word that the host may come back. */
  released: z.boolean().optional(),
});
export type ActionRun = z.infer<typeof actionRunSchema>;

export const hostRunSchema = z.object({
  schema: z.literal(1),
  session_id: z.string(),
  host: z.string(),
  device_id: z.string(),
  place: placeSchema.default(NOWHERE),
  run_id: z.string().nullable(),
  phase: z.enum(PHASES),
  outcome: outcomeSchema.nullable(),
  prior: priorSchema.nullable(),
  worth: worthSchema.nullable(),
  actions: z.array(actionRunSchema),
  /** Monitoring systems told to be quiet, and whether they were already before. */
  monitors: z.array(z.object({ name: z.string(), silenced: z.boolean() })),
  /** Heartbeats of nova-compute seen to advance since the work ended. */
  beats: z.object({ updated_at: z.string().nullable(), count: z.int() }),
  instances_total: z.int(),
  instances_left: z.int(),
  /** Instances that stay on the host during the work, as their policy says. */
  staying: z.array(z.string()).default([]),
  /** Those of them that we stopped, and start again. */
  stopped: z.array(z.string()).default([]),
  /** Moves that broke off one after the other. */
  moves_failed: z.int().default(0),
  /** What on this host should stop the whole session, and since when; the breaker reads it. */
  alarm: z.object({ at: z.string(), why: z.string() }).nullable().default(null),
  /** Only kept from new instances until the session admits it. */
  cordon: z.boolean().default(false),
  started_at: z.string().nullable(),
  /** When the current phase began: its time-out counts from here. */
  phase_at: z.string(),
  /** Since when its clocks stand still and why, while they do. */
  standstill: z.object({ at: z.string(), why: z.string() }).nullable().default(null),
  /** Seconds that did not count, since it was started and in the current phase. */
  stood_still: z.int().default(0),
  stood_still_in_phase: z.int().default(0),
  /** Since when it could be emptied but for time that owners were given; null = from its start. */
  drain_from: z.string().nullable().default(null),
  /** `stood_still` at that moment. */
  stood_still_before: z.int().default(0),
  /** When they last went on: what nobody could answer until then is not held against anybody. */
  went_on_at: z.string().nullable().default(null),
  /** Taken out of scheduling early and given back: it waits for its turn again. */
  waits_again: z.boolean().default(false),
  /** When it let another host of its session go first, because neither could be emptied. */
  yielded_at: z.string().nullable().default(null),
  /** Host work was begun in an earlier try: it is not given back before it was verified. */
  worked: z.boolean().default(false),
  work_started_at: z.string().nullable(),
  work_ended_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  /** How the phase goes, for people; null when there is nothing to say. */
  details: z.string().nullable(),
  /** What stands in the way and may need a human; cleared with the next phase. */
  trouble: z.string().nullable(),
  /** What could not be put back and is left for a human, although the host is. */
  left_behind: z.string().nullable(),
  /** Counts the events of this host in its session. */
  sequence: z.int(),
});
export type HostRun = z.infer<typeof hostRunSchema>;

type Claim = {
  readonly sessionId: string;
  readonly host: string;
  readonly deviceId: string;
  readonly place?: Place;
  readonly plugins: readonly string[];
  readonly now: string;
};

/** A host as its session claims it: waiting to be dispatched. */
export const claimHost = ({
  sessionId,
  host,
  deviceId,
  place = NOWHERE,
  plugins,
  now,
}: Claim): HostRun => ({
  schema: 1,
  session_id: sessionId,
  host,
  device_id: deviceId,
  place,
  run_id: null,
  phase: "WAITING",
  outcome: null,
  prior: null,
  worth: null,
  actions: plugins.map((plugin) => ({
    plugin,
    state: "PENDING",
    hook_id: null,
    started_at: null,
    details: null,
    released: false,
  })),
  monitors: [],
  beats: { updated_at: null, count: 0 },
  instances_total: 0,
  instances_left: 0,
  staying: [],
  stopped: [],
  moves_failed: 0,
  alarm: null,
  cordon: false,
  started_at: null,
  phase_at: now,
  standstill: null,
  stood_still: 0,
  stood_still_in_phase: 0,
  drain_from: null,
  stood_still_before: 0,
  went_on_at: null,
  waits_again: false,
  yielded_at: null,
  worked: false,
  work_started_at: null,
  work_ended_at: null,
  finished_at: null,
  details: null,
  trouble: null,
  left_behind: null,
  sequence: 0,
});

/** The host in its next phase; the phase's time-out counts from `now`. */
export const entering = (run: HostRun, phase: Phase, now: string): HostRun => ({
  ...run,
  phase,
  phase_at: now,
  stood_still_in_phase: 0,
  details: null,
  trouble: null,
});

/**
 * The host given back before any work was done on it; `why` is kept for the report. One that was
 * worked on in an earlier try is left for a human: guests would be put on a half-worked host.
 */
export const givingBack = (run: HostRun, now: string, why: string): HostRun =>
  run.worked
    ? leavingForHuman(run, now, why)
    : { ...entering(run, "RESTORING", now), outcome: "restored", details: why };

/**
 * The host given back, to wait for its turn again. One that was worked on in an earlier try is left
 * for a human here, too.
 */
export const puttingOff = (run: HostRun, now: string, why: string): HostRun => {
  const back = givingBack(run, now, why);
  return back.outcome === "failed" ? back : { ...back, outcome: null, waits_again: true };
};

/**
 * The host left as it is, out of service and silenced, for a human to look at: nothing more is
 * done to it in this session.
 */
export const leavingForHuman = (run: HostRun, now: string, why: string): HostRun => ({
  ...entering(run, "FINISHED", now),
  outcome: "failed",
  finished_at: now,
  details: why,
});

/** Whether the host was disabled for the session and is not yet put back. */
export const isOutOfService = ({ phase }: HostRun): boolean =>
  PHASES.indexOf(phase) > PHASES.indexOf("DISABLING") &&
  PHASES.indexOf(phase) <= PHASES.indexOf("ENABLING");

/** Whether a run of its own is at work on the host. */
export const isActive = (run: HostRun): boolean =>
  run.phase !== "WAITING" && run.phase !== "FINISHED";

/**
 * Whether the run may still be undone by giving the host back. From the first moment of host work
 * on it may not: guests would be put on a half-worked host.
 */
export const isBeforeWork = ({ phase, actions }: HostRun): boolean =>
  phase === "IN_MAINTENANCE"
    ? actions.every(({ state }) => state === "PENDING")
    : PHASES.indexOf(phase) < PHASES.indexOf("IN_MAINTENANCE");

/** The mark in `disabled_reason` by which we, and a human without us, know our own disable. */
export const disabledReason = (sessionId: string, link: string): string =>
  `lull:${sessionId} ${link}`.trim().slice(0, 255);

/**
 * Whether another session of ours left the host disabled: it was enabled before, and nobody but a
 * session that ended badly wants it out of service.
 */
export const isLeftover = (reason: string | null | undefined, sessionId: string): boolean =>
  (reason?.startsWith("lull:") ?? false) && !isOurReason(reason, sessionId);

/** Whether this `disabled_reason` was written for that session. */
export const isOurReason = (reason: string | null | undefined, sessionId: string): boolean =>
  reason === `lull:${sessionId}` || (reason?.startsWith(`lull:${sessionId} `) ?? false);

/** The session by which this `disabled_reason` was written; null when it is not one of ours. */
export const sessionOfReason = (reason: string | null): string | null =>
  reason?.match(/^lull:([0-9a-f-]{36})(?: |$)/)?.[1] ?? null;
