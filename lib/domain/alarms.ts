import type { DomainEvent } from "./events/event.ts";
import { fnmatch } from "./fnmatch.ts";

/** An event alarm of Aodh, as far as it decides here. */
export type EventAlarm = {
  readonly alarm_id: string;
  readonly name: string;
  readonly project_id: string;
  readonly type: string;
  readonly enabled: boolean;
  readonly state: string;
  readonly severity: string;
  readonly repeat_actions: boolean;
  readonly alarm_actions: readonly string[];
  readonly event_rule: { readonly event_type: string; readonly query: readonly Condition[] };
};

type Condition = {
  readonly field: string;
  readonly op: string;
  readonly type: string;
  readonly value: string;
};

/** Ceilometer's types of a trait that we use. */
const TYPES = { text: 1, integer: 2, datetime: 4 } as const;
type TypeName = keyof typeof TYPES;

type Trait = readonly [name: string, type: 1 | 2 | 4, value: string | number];

/** An event as Ceilometer hands it to Aodh, and Aodh to receivers. */
export type AlarmEvent = {
  readonly message_id: string;
  readonly event_type: string;
  /** UTC without a zone, like all instants in here. */
  readonly generated: string;
  readonly traits: readonly Trait[];
  readonly raw: Readonly<Record<string, never>>;
  readonly message_signature: string;
};

/** What of an event's detail becomes a trait, as event_definitions.yaml of Fenix and Doctor has it. */
const TRAITS: Readonly<Record<string, Readonly<Record<string, TypeName>>>> = {
  "maintenance.scheduled": {
    service: "text",
    project_id: "text",
    session_id: "text",
    state: "text",
    instance_ids: "text",
    allowed_actions: "text",
    actions_at: "datetime",
    reply_at: "datetime",
    reply_url: "text",
    metadata: "text",
    missing: "text",
    status_url: "text",
  },
  "maintenance.override": {
    service: "text",
    project_id: "text",
    session_id: "text",
    state: "text",
    instance_ids: "text",
    status_url: "text",
  },
  "maintenance.host": {
    service: "text",
    project_id: "text",
    session_id: "text",
    host: "text",
    state: "text",
  },
  "maintenance.session": {
    service: "text",
    project_id: "text",
    session_id: "text",
    state: "text",
    percent_done: "integer",
  },
};

/** Ceilometer cuts a text trait after so many characters; cut JSON would be read by nobody. */
const LONGEST = 255;

/**
 * The event as an alarm's receiver gets it, for one project: the traits of Fenix, rendered so that
 * both clients that read them with `yaml.load` and those that use Python's `eval` understand them.
 *
 * @param projectId of whose alarms it is
 * @param messageId the same each time the same event is sent
 */
export const alarmEvent = (
  { type, at, detail }: Pick<DomainEvent, "type" | "at" | "detail">,
  projectId: string,
  messageId: string,
): AlarmEvent => ({
  message_id: messageId,
  event_type: type,
  generated: isoformat(at),
  traits: Object.entries(TRAITS[type] ?? {}).flatMap(([name, kind]) => {
    const value = traitValue(name === "project_id" ? projectId : detail[name], kind);
    return value === null ? [] : [[name, TYPES[kind], value] as const];
  }),
  raw: {},
  message_signature: "",
});

/** Null: the trait is left out, as Ceilometer does with null; so are empty lists and objects. */
const traitValue = (value: unknown, kind: TypeName): string | number | null => {
  if (kind === "integer") return typeof value === "number" ? value : null;
  if (kind === "datetime") return typeof value === "string" ? isoformat(value) : null;
  const text = typeof value === "string" ? value : pythonLiteral(value);
  return text !== null && text.length <= LONGEST ? text : null;
};

/** An instant as Python's isoformat writes it: UTC without a zone, six digits or none. */
const isoformat = (at: string): string =>
  new Date(at).toISOString().replace(/(\.\d{3})Z$/, (_, ms) => (ms === ".000" ? "" : `${ms}000`));

/**
 * JSON that is a Python literal, too: `True` and `False`, nothing for null, and of an object only as
 * many entries as fit. Null when nothing is left.
 */
const pythonLiteral = (value: unknown): string | null => {
  if (Array.isArray(value)) {
    const items = value.map(scalar).filter((item) => item !== null);
    return items.length > 0 ? `[${items.join(", ")}]` : null;
  }
  if (typeof value !== "object" || value === null) return scalar(value);
  let inner = "";
  for (const [name, one] of Object.entries(value)) {
    const text = scalar(one);
    const longer = `${inner}${inner && ", "}${scalar(name)}: ${text}`;
    if (text !== null && longer.length + 2 <= LONGEST) inner = longer;
  }
  return inner === "" ? null : `{${inner}}`;
};

/** Doctor's client takes every `u'` out of a text, so no apostrophe is written as itself. */
const scalar = (value: unknown): string | null => {
  if (typeof value === "string") return JSON.stringify(value).replaceAll("'", "\\u0027");
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "boolean" ? (value ? "True" : "False") : null;
};

/**
 * The alarms that Aodh would fire on the event: of the project that its trait `project_id` names,
 * enabled, not fired already unless they repeat, of a pattern that its type matches, and with every
 * condition met (aodh/evaluator/event.py).
 */
export const firedBy = <A extends EventAlarm>(alarms: readonly A[], event: AlarmEvent): A[] => {
  const traits = new Map(event.traits.map((trait) => [trait[0], trait]));
  const project = traits.get("project_id")?.[2];
  return alarms.filter(
    (alarm) =>
      alarm.enabled &&
      alarm.type === "event" &&
      alarm.project_id === project &&
      (alarm.repeat_actions || alarm.state !== "alarm") &&
      fnmatch(event.event_type, alarm.event_rule.event_type) &&
      alarm.event_rule.query.every((condition) => isMet(condition, traits)),
  );
};

/** A side of a comparison; Aodh's Python compares values of different kinds for equality only. */
type Side =
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "number" | "instant"; readonly value: number };

/** Where Aodh's evaluation of a condition breaks off (no trait, no such type or operator), none is met. */
const isMet = (
  { field, op, type, value }: Condition,
  traits: ReadonlyMap<string, Trait>,
): boolean => {
  const right = sideOf(value, type === "" ? "string" : type);
  if (!field.startsWith("traits.") || right === null) return false;
  const trait = traits.get(field.slice("traits.".length));
  const left = trait === undefined ? null : traitSide(trait);
  const comparable = left?.kind === right.kind;
  const equal = comparable && left.value === right.value;
  if (op === "eq") return equal;
  if (op === "ne") return !equal;
  if (!comparable) return false;
  switch (op) {
    case "lt":
      return left.value < right.value;
    case "le":
      return left.value <= right.value;
    case "gt":
      return left.value > right.value;
    case "ge":
      return left.value >= right.value;
    default:
      return false;
  }
};

const traitSide = ([, type, value]: Trait): Side | null =>
  sideOf(
    String(value),
    type === TYPES.datetime ? "datetime" : type === TYPES.integer ? "integer" : "string",
  );

const sideOf = (value: string, type: string): Side | null => {
  switch (type) {
    case "string":
    case "none":
      return { kind: "text", value };
    case "integer":
      return /^\s*[+-]?\d+\s*$/.test(value) ? { kind: "number", value: Number(value) } : null;
    case "float":
      return value.trim() === "" || Number.isNaN(Number(value))
        ? null
        : { kind: "number", value: Number(value) };
    case "datetime": {
      const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`);
      return Number.isNaN(at) ? null : { kind: "instant", value: at };
    }
    default:
      return null;
  }
};

/** The actions that anybody can carry out: a trust is a credential that Aodh keeps to itself. */
export const postableActions = ({ alarm_actions }: Pick<EventAlarm, "alarm_actions">): string[] => [
  ...new Set(alarm_actions.filter((url) => /^https?:\/\//i.test(url))),
];

/** Whether anybody hears of the alarm when it fires: logs do not answer, and a trust is Aodh's alone. */
export const isHeard = (
  alarm: Pick<EventAlarm, "alarm_actions">,
  servedBy: "direct" | "bus",
): boolean =>
  servedBy === "direct"
    ? postableActions(alarm).length > 0
    : alarm.alarm_actions.some((url) => !/^(log|test):/i.test(url));

/** What of an alarm its receivers are told. */
export type ToldAlarm = Pick<
  EventAlarm,
  "alarm_id" | "name" | "project_id" | "state" | "severity"
> & {
  readonly event_rule: Pick<EventAlarm["event_rule"], "query">;
};

/** The body of Aodh's POST to an action of an alarm (aodh/notifier/rest.py). */
export const alarmBody = (alarm: ToldAlarm, event: AlarmEvent) => ({
  alarm_name: alarm.name,
  alarm_id: alarm.alarm_id,
  severity: alarm.severity,
  previous: alarm.state,
  current: "alarm",
  reason: `Event <id=${event.message_id},event_type=${event.event_type}> hits the query <query=${jsonOfPython(alarm.event_rule.query)}>.`,
  reason_data: { type: "event", event },
});

/** Python's json.dumps with sorted keys. */
const jsonOfPython = (query: readonly Condition[]): string => {
  const members = query.map(
    ({ field, op, type, value }) =>
      `{${Object.entries({ field, op, type, value })
        .map((entry) => entry.map((text) => JSON.stringify(text)).join(": "))
        .join(", ")}}`,
  );
  return `[${members.join(", ")}]`.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
};
