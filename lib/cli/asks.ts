import type { ProjectAsk, ProjectView } from "../client/projects.ts";
import { count } from "./counts.ts";
import { UsageError } from "./exit.ts";
import { shortId } from "./session-text.ts";
import { showClock, showDuration, showTime } from "./times.ts";

type Named = { readonly id: string; readonly name: string | null };

/** Instances as the view names them; those that no host has to be rid of yet have no name there. */
const namedIn = ({ instances }: ProjectView, ids: readonly string[]): Named[] =>
  ids.map((id) => ({
    id,
    name: instances.find(({ instance_id }) => instance_id === id)?.instance_name || null,
  }));

const fullName = ({ id, name }: Named): string => (name === null ? id : `${name} (${id})`);

const SHOWN = 10;

/** "web-1, web-2 and 3 more". */
export const namesOf = (view: ProjectView, ids: readonly string[]): string => {
  const shown = namedIn(view, ids.slice(0, SHOWN)).map(({ id, name }) => name ?? id);
  const more = ids.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
};

const listed = (all: readonly Named[]): string => {
  const more = all.length - SHOWN;
  return `${all.slice(0, SHOWN).map(fullName).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
};

/**
 * The instance that is meant, among those that are asked about: by its id, its name, or how its id
 * begins.
 *
 * @throws UsageError when it is none of them, or could be several
 */
export const instanceAmong = (
  view: ProjectView,
  asks: readonly ProjectAsk[],
  text: string,
): string => {
  const all = namedIn(view, [...new Set(asks.flatMap(({ instance_ids }) => instance_ids))]);
  const exact = all.filter(({ id, name }) => id === text.toLowerCase() || name === text);
  const meant =
    exact.length > 0 ? exact : all.filter(({ id }) => id.startsWith(text.toLowerCase()));
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only.id;
  if (only !== undefined)
    throw new UsageError(`"${text}" could be ${listed(meant)}: write enough of the id`);
  throw new UsageError(
    `none of the instances that are asked about is "${text}"; there are ${listed(all)}`,
  );
};

/** Asks that are about what becomes of instances; the others are about the project as a whole. */
export const isOfInstances = ({ state }: ProjectAsk): boolean =>
  state === "PREPARE_MAINTENANCE" || state === "PLANNED_MAINTENANCE";

const WORDS: Readonly<Record<string, string>> = {
  MAINTENANCE: "maintenance is announced",
  SCALE_IN: "room is short: scale in, then answer",
  PREPARE_MAINTENANCE: "these have to leave their host",
  PLANNED_MAINTENANCE: "these have to leave their host",
  MAINTENANCE_COMPLETE: "maintenance is over: scale out again, then answer",
};

const MISSING: Readonly<Record<string, (amount: number) => string>> = {
  MEMORY_MB: (amount) => `${amount} MiB of memory`,
  VCPU: (amount) => `${amount} VCPUs`,
};

const missingText = ({ missing }: ProjectAsk): string => {
  const amounts = Object.entries(missing ?? {}).map(
    ([resource, amount]) => MISSING[resource]?.(amount) ?? `${amount} ${resource}`,
  );
  return amounts.length > 0 ? `; ${amounts.join(" and ")} are missing` : "";
};

const untilText = ({ reply_at }: ProjectAsk, now: number): string => {
  const left = Date.parse(reply_at) - now;
  const rest = left > 0 ? `${showDuration(left)} left` : "over, but still taken";
  return `answer until ${showClock(reply_at, now)} (${rest})`;
};

const answerText = (view: ProjectView, { answer }: ProjectAsk, now: number): string => {
  if (!answer) return "not answered yet";
  const actions = Object.entries(answer.instance_actions).map(
    ([id, action]) => `${namesOf(view, [id])}=${action}`,
  );
  return [
    `answered ${showClock(answer.at, now)}: ${answer.state.replace(/_.*/, "")}`,
    ...actions,
    ...(answer.not_before ? [`not before ${showTime(answer.not_before)}`] : []),
    ...(answer.reason ? [`because ${answer.reason}`] : []),
  ].join(", ");
};

const askLines = (view: ProjectView, ask: ProjectAsk, now: number): string[] => {
  const { state, instance_ids, allowed_actions } = ask;
  return [
    `asked: ${state}, ${WORDS[state] ?? "see the documentation"}${missingText(ask)}`,
    `  about ${count(instance_ids.length, "instance")}: ${namesOf(view, instance_ids)}`,
    ...(allowed_actions.length > 0 ? [`  choose from ${allowed_actions.join(", ")}`] : []),
    `  ${untilText(ask, now)}; ${answerText(view, ask, now)}`,
  ];
};

/** The one command to type, and which others there are. */
const commandFor = (view: ProjectView): string => {
  const due = view.asks.filter(({ answer }) => !answer);
  const [first] = due;
  if (first === undefined) return "nothing to type";
  const other = due.some(({ state }) => state !== first.state);
  const more = isOfInstances(first) ? "nack, defer or choose" : "nack";
  return `lull project ack ${shortId(view)}${other ? ` --state ${first.state}` : ""}  (or ${more})`;
};

/** What the project is asked in the session, until when, what it has answered, and what to type. */
export const askedLines = (view: ProjectView, now: number): string[] => {
  const { session_id, state, overridden_at, asks } = view;
  return [
    `session ${session_id}: ${state}`,
    ...(overridden_at
      ? [`an admin has set the word of your project aside at ${showClock(overridden_at, now)}`]
      : []),
    ...(asks.length === 0 ? ["nothing is asked now"] : []),
    ...asks.flatMap((ask) => askLines(view, ask, now)),
    `do: ${commandFor(view)}`,
  ];
};
