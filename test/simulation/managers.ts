import type { Call, SessionStory } from "../../localstack/openstack/invariants/story.ts";
import { type Dialect, doctorSample, doctorVnfm, tacker } from "../managers/dialects.ts";
import { ForgedError, type Manager, startManager } from "../managers/manager.ts";
import {
  broken,
  crashing,
  ownAction,
  prompt,
  refusing,
  scaling,
  silent,
  slow,
  switching,
  type Temper,
} from "../managers/tempers.ts";
import { patiently } from "./operator.ts";
import type { Stage } from "./stage.ts";

/** How managers are, by the word for it in reports; times in seconds. */
export const MANNERS = {
  agree: () => prompt("MIGRATE"),
  "agree to live moves": () => prompt("LIVE_MIGRATE"),
  "are slow": () => slow(15, prompt("MIGRATE")),
  "are silent": () => silent,
  "answer with errors": () => broken,
  "refuse for now": () => refusing(40, "a call is going on", prompt("LIVE_MIGRATE")),
  "take theirs away": () => ownAction(10),
  "scale in": () => scaling(1, ({ metadata }) => metadata["tier"] === "batch", prompt("MIGRATE")),
  "switch over": () => switching(({ metadata }) => metadata["tier"] === "web", "MIGRATE"),
  "die at work": () => crashing("PLANNED_MAINTENANCE", prompt("MIGRATE")),
} satisfies Readonly<Record<string, () => Temper>>;

const DIALECTS = { doctorVnfm, doctorSample, tacker } satisfies Readonly<Record<string, Dialect>>;

export type PlannedManager = {
  readonly project: string;
  readonly manner: keyof typeof MANNERS;
  readonly dialect: keyof typeof DIALECTS;
  readonly hears: "alarm" | "webhook";
};

/** Starts them, each with an alarm of Aodh or a signed webhook. */
export const startManagers = async (
  stage: Stage,
  planned: readonly PlannedManager[],
): Promise<void> => {
  const { hands, simulator, managers, api } = stage;
  for (const { project, manner, dialect, hears } of planned) {
    const config = simulator.tenants[project];
    if (config === undefined) throw new Error(`there is no project ${project}`);
    const manager = {
      config,
      clock: hands.clock,
      dialect: DIALECTS[dialect],
      temper: MANNERS[manner](),
      ...(hears === "webhook" && { lull: api.endpoint }),
    };
    managers.push(await patiently(stage, () => startManager(manager)));
  }
};

/**
 * What owners were promised: nothing of theirs is moved before they have answered or had their time,
 * nobody is asked twice for the same room, and every webhook bears the signature of its subscription.
 */
export const brokenWord = (
  managers: readonly Manager[],
  stories: readonly SessionStory[],
  journal: readonly Call[],
): string[] => [
  ...managers.flatMap(askedTwice),
  ...managers.flatMap(toldByStrangers),
  ...stories.flatMap(({ events }) =>
    journal.flatMap((call) => movedUnheard(managers, events, call)),
  ),
];

const askedTwice = (manager: Manager): string[] =>
  [...Map.groupBy(manager.told("SCALE_IN"), ({ session_id }) => session_id)].flatMap(
    ([session, told]) =>
      told.length > 1 ? [`a project was told ${told.length} times to scale in by ${session}`] : [],
  );

const toldByStrangers = ({ journal }: Manager): string[] =>
  journal.flatMap((one) =>
    one.kind === "choked" && one.why instanceof ForgedError
      ? ["a project got a webhook that was not signed with its secret"]
      : [],
  );

const MOVES = ["os-migrateLive", "migrate"];

const movedUnheard = (
  managers: readonly Manager[],
  events: SessionStory["events"],
  { at, path, body }: Call,
): string[] => {
  const id = /^\/servers\/(?<id>[^/]+)\/action$/.exec(path)?.groups?.["id"];
  if (id === undefined || !MOVES.some((name) => name in Object(body))) return [];
  // In style `vnf`, which tells of each instance by its id.
  const last = events
    .filter(({ detail }) => String(detail["state"]).startsWith("P"))
    .filter(({ detail }) => Array.isArray(detail["instance_ids"]))
    .filter(({ at: then, detail }) => Date.parse(then) <= at && isAbout(detail, id))
    .toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at))
    .at(-1);
  const replyAt = last?.detail["reply_at"];
  if (last === undefined || typeof replyAt !== "string" || at >= Date.parse(replyAt)) return [];
  const from = Date.parse(last.at);
  const isHeard = managers.some(({ journal }) =>
    journal.some(
      (one) => one.kind === "said" && one.ids.includes(id) && one.at >= from && one.at <= at,
    ),
  );
  const when = new Date(at).toISOString();
  return isHeard ? [] : [`instance ${id} was moved at ${when}, before its owner had answered`];
};

const isAbout = (detail: Readonly<Record<string, unknown>>, id: string): boolean =>
  Array.isArray(detail["instance_ids"]) && detail["instance_ids"].includes(id);
