import type { Attention, Instance, SessionDetail } from "../client/maintenance.ts";
import { count } from "./counts.ts";
import { clean } from "./output.ts";
import { shortId } from "./session-text.ts";
import { showClock, showDuration } from "./times.ts";

/** Something in a session that waits: for a human, for a rule, or for the cloud. */
export type Wait = {
  readonly code: string;
  /** "cmp-01 / web", or "session". */
  readonly object: string;
  readonly host: string | null;
  readonly instance_id: string | null;
  readonly since: string;
  readonly rule: string;
  /** Who can end it. */
  readonly owner: string;
  /** The end of the window, where the wait costs time of it; RFC 3339. */
  readonly deadline: string | null;
  readonly next: string;
  /** What to type; null when there is nothing but to wait or to cure what the rule names. */
  readonly command: string | null;
};

type Place = {
  readonly id: string;
  readonly host: string | null;
  /** Null = it is about none, or an older Lull does not say which. */
  readonly project: string | null;
};

const COMMANDS: Readonly<Record<string, (place: Place) => string | null>> = {
  breaker: ({ id }) => `lull maintenance resume ${id}`,
  paused: ({ id }) => `lull maintenance resume ${id}`,
  frozen: () => "lull thaw",
  host_failed: ({ id, host }) => `lull maintenance release ${id} ${host}`,
  host_held: ({ id, host }) => `lull maintenance release ${id} ${host}`,
  host_left: () => "lull orphans",
  host_owned: ({ host }) => `lull why ${host}`,
  step_failed: ({ id }) => `lull maintenance show ${id} --events`,
  preflight_blocked: () => null,
  canary: () => null,
  below_reserve: () => null,
  window_over: () => null,
  waiting_cloud: () => null,
  asking: () => null,
  project_refused: ({ id, project }) =>
    `lull maintenance override ${id} ${project ?? "PROJECT"} --reason WHY`,
};

const commandFor = (code: string, place: Place): string | null => {
  const known = COMMANDS[code];
  if (known) return known(place);
  return place.host === null ? null : `lull why ${place.host}`;
};

/** While these last no host begins, and the window goes by. */
const COSTS_TIME = [
  "paused",
  "breaker",
  "frozen",
  "canary",
  "below_reserve",
  "waiting_cloud",
  "host_owned",
  "step_failed",
  "asking",
];

/** Brakes that end by themselves, as the cloud or the clock allows. */
const BY_ITSELF = ["canary", "below_reserve", "window_over", "waiting_cloud", "step_failed"];

const named = ({ instance_name, instance_id }: Instance) => instance_name || instance_id;

/** Who can end it. */
const ownerOf = ({ instances, asking }: SessionDetail, { code, instance }: Attention): string => {
  const row = instances.find(({ instance_id }) => instance_id === instance);
  if (row?.project_id) return `project ${row.project_id}`;
  if (code === "asking" && asking) return count(asking.projects_total, "project");
  return BY_ITSELF.includes(code) ? "" : "admin";
};

const waitOf = (detail: SessionDetail, item: Attention): Wait => {
  const { code, host, instance, project_id, since, message, what_happens_next } = item;
  const row = detail.instances.find(({ instance_id }) => instance_id === instance);
  const hold = detail.holds.find(({ at }) => at === since);
  return {
    code,
    object: [host, row ? named(row) : instance].filter(Boolean).join(" / ") || "session",
    host,
    instance_id: instance,
    since,
    rule: message,
    owner: hold && hold.code === "operator" ? hold.by : ownerOf(detail, item),
    deadline: COSTS_TIME.includes(code) ? (detail.session.ends_at ?? null) : null,
    next: what_happens_next,
    command: commandFor(code, { id: shortId(detail), host, project: project_id ?? null }),
  };
};

/** An instance that does not get away, where no attention names it. */
const blockedOf = (detail: SessionDetail, row: Instance): Wait => ({
  code: "instance_blocked",
  object: [row.host, named(row)].filter(Boolean).join(" / "),
  host: row.host ?? null,
  instance_id: row.instance_id,
  since: row.started_at ?? detail.session.updated_at ?? detail.session.created_at,
  rule: row.details ?? "no target takes it",
  owner: row.project_id ? `project ${row.project_id}` : "admin",
  deadline: null,
  next: "it is tried again until the host's time is over: then the host is put back",
  command: `lull why ${row.instance_id}`,
});

/** All that waits in the session, the oldest first. */
export const waitsOf = (detail: SessionDetail): readonly Wait[] => {
  const told = detail.attention.map((item) => waitOf(detail, item));
  const blocked = detail.instances.filter(
    ({ state, instance_id }) =>
      state === "blocked" && !told.some((wait) => wait.instance_id === instance_id),
  );
  return [...told, ...blocked.map((row) => blockedOf(detail, row))].toSorted((a, b) =>
    a.since < b.since ? -1 : a.since > b.since ? 1 : 0,
  );
};

/** "cmp-01 / web: 16 GiB fit nowhere [no_target]  since 10:01Z (3m10s)  owner project p1". */
export const ruleText = (wait: Wait, now?: number): string => {
  const { object, rule, code, since, owner, deadline } = wait;
  const age = now === undefined ? "" : ` (${showDuration(now - Date.parse(since))})`;
  return clean(
    `${object}: ${rule} [${code}]  since ${showClock(since)}${age}${owner ? `  owner ${owner}` : ""}${deadline ? `  window ends ${showClock(deadline, now)}` : ""}`,
  );
};

/** "next: tried again in 60 s  do: lull why cmp-01". */
export const nextText = ({ next, command }: Wait): string =>
  clean([...(next ? [`next: ${next}`] : []), ...(command ? [`do: ${command}`] : [])].join("  "));
