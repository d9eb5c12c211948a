import { later, secondsUntil } from "../instant.ts";
import { LONGEST_WAIT_SECONDS } from "../run.ts";
import { type Asking, type Attention, isBlocked, type Session } from "../session.ts";
import type { Freeze } from "../standstill.ts";
import { type Ask, deadlineOf, type Hearing } from "./ask.ts";

/** Questions that are about the session as a whole. */
export type Question = {
  readonly state: "MAINTENANCE" | "SCALE_IN" | "MAINTENANCE_COMPLETE";
  /** Every ask of it carries this id. */
  readonly askId: string;
  readonly replyAt: string;
  /** When the answer is acted upon; null = nothing follows. */
  readonly actionsAt: string | null;
  /** Whether answers are waited for. */
  readonly waits: boolean;
  /** How much room is missing, by resource; only with SCALE_IN. */
  readonly missing?: Readonly<Record<string, number>>;
};

type Told = Pick<Session, "maintenance_at" | "dialogue" | "announced_at" | "control" | "reopened">;

/**
 * What its projects have to be told next, while nothing is being asked: first that it will be, in
 * the end that it is over. What is answered to the announcement after its start would come too late.
 */
export const questionOf = (session: Told, now: string): Question => {
  const { maintenance_at, dialogue, announced_at, control, reopened } = session;
  if (announced_at !== null)
    return {
      state: "MAINTENANCE_COMPLETE",
      askId: reopened === 0 ? "MAINTENANCE_COMPLETE" : `MAINTENANCE_COMPLETE_${reopened}`,
      replyAt: later(now, dialogue.scale_seconds),
      actionsAt: null,
      waits: control !== "aborting",
    };
  const replyAt = announcementDue({ maintenance_at, dialogue }, now);
  return {
    state: "MAINTENANCE",
    askId: "MAINTENANCE",
    replyAt,
    actionsAt: maintenance_at > now ? maintenance_at : now,
    waits: replyAt > now,
  };
};

/** By when what is announced `now` is to be answered: before the session begins. */
const announcementDue = (
  { maintenance_at, dialogue }: Pick<Session, "maintenance_at" | "dialogue">,
  now: string,
): string => {
  const start = maintenance_at > now ? maintenance_at : now;
  return [later(now, dialogue.reply_seconds), start].toSorted()[0] ?? start;
};

/** Whether the time of the projects that are asked does not run: nobody is silent in a session that stands still. */
export const clockStands = (
  { control }: Pick<Session, "control">,
  freeze: Freeze | null,
): boolean => control === "paused" || freeze?.frozen === true;

/** When their time last went on after it had stood; null = it never stood, or stands now. */
export const clockWentOn = (
  session: Pick<Session, "control" | "resumed_at">,
  freeze: Freeze | null,
): string | null =>
  clockStands(session, freeze)
    ? null
    : ([session.resumed_at, freeze?.at ?? null]
        .filter((at) => at !== null)
        .toSorted()
        .at(-1) ?? null);

/** By when the projects that are being asked should answer; a time in which they could not comes on top. */
export const askingUntil = (
  session: Pick<Session, "maintenance_at" | "dialogue" | "control" | "resumed_at">,
  { state, since }: Asking,
  freeze: Freeze | null,
): string => {
  const reply_at =
    state === "MAINTENANCE"
      ? announcementDue(session, since)
      : later(since, session.dialogue.scale_seconds);
  return deadlineOf({ asked_at: since, reply_at }, clockWentOn(session, freeze));
};

/** Projects kept with the session by name, so that its row stays far from DynamoDB's 400 KB. */
const MOST_KEPT = 100;
/** Projects that are named one by one. */
const MOST_NAMED = 5;

/** "a, b and 3 more": projects that are waited for, as people are told of them. */
export const projectsText = (ids: readonly string[], total = ids.length): string => {
  const more = total - MOST_NAMED;
  return `${ids.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
};

/** Of an ask for room; there is one to each project. */
export const ROOM_ASK = "SCALE_IN";

/** The question for room; each project is asked for it once in a session. */
export const questionForRoom = (
  { dialogue }: Pick<Session, "dialogue">,
  missing: Readonly<Record<string, number>>,
  now: string,
): Question => {
  const replyAt = later(now, dialogue.scale_seconds);
  return {
    state: "SCALE_IN",
    askId: ROOM_ASK,
    replyAt,
    actionsAt: replyAt,
    waits: true,
    missing,
  };
};

/**
 * What is noted of the session once a question is out to the projects that listen; nothing, when the
 * session has gone on meanwhile and the question is no longer the one to ask. One that was aborted
 * meanwhile waits for nobody.
 */
export const openAsking = (
  session: Session,
  { state, askId, waits }: Question,
  listening: readonly string[],
  now: string,
): Partial<Session> => {
  if (state === "MAINTENANCE_COMPLETE" && questionOf(session, now).askId !== askId) return {};
  const told = state === "MAINTENANCE" ? { announced_at: now } : {};
  const heeded = waits && session.control !== "aborting" ? listening : [];
  const asking = {
    state,
    ask_id: askId,
    project_ids: heeded.slice(0, MOST_KEPT),
    projects_total: heeded.length,
    since: now,
  };
  return heeded.length > 0
    ? { ...told, asking }
    : { ...told, ...settled({ ...session, ...told, asking }, [], now) };
};

/**
 * In how many seconds to listen again, when what was heard says `until`: at once is a second, for a
 * state machine waits no shorter, and no longer than a run may.
 */
export const secondsToListen = (until: string, now: string): number =>
  Math.max(1, Math.min(secondsUntil(now, until), LONGEST_WAIT_SECONDS));

/** The session without a question of which no answer matters any more: it only ends now. */
export const withoutIdleQuestion = (session: Session): Session =>
  session.asking !== null &&
  session.asking.state !== "MAINTENANCE_COMPLETE" &&
  (session.control === "aborting" || isBlocked(session))
    ? { ...session, asking: null }
    : session;

/** The names of the asks that may be waited for, one to each of these projects. */
export const askedOf = ({ ask_id }: Asking, projects: readonly Pick<Ask, "project_id">[]) =>
  projects.map(({ project_id }) => ({ project_id, ask_id }));

/** How many projects are waited for. */
export const waitedFor = ({ project_ids, projects_total }: Asking): number =>
  projects_total ?? project_ids.length;

export type Heard = { readonly ask: Ask; readonly hearing: Hearing };

/** What becomes of the session when all that were asked have answered, or have had their time. */
export const settled = (
  session: Session,
  heard: readonly Heard[],
  now: string,
): Partial<Session> => {
  const { asking, attention } = session;
  switch (asking?.state) {
    case "MAINTENANCE":
      return { asking: null, attention: [...attention, ...refusalsIn(session, heard, now)] };
    case "SCALE_IN":
      return { asking: null };
    case "MAINTENANCE_COMPLETE":
      return { asking: null, completed_at: now };
    case undefined:
      return {};
  }
};

/**
 * A refused announcement is for people to look at; whether it ends the session says its rules. A
 * project whose word was set aside refuses nothing.
 */
const refusalsIn = (
  { dialogue, overrides }: Pick<Session, "dialogue" | "overrides">,
  heard: readonly Heard[],
  now: string,
): Attention[] =>
  heard.flatMap(({ ask, hearing }) => {
    if (hearing.kind !== "answered" || hearing.answer.ack) return [];
    if (overrides.some(({ project_id }) => project_id === ask.project_id)) return [];
    const words = hearing.answer.reason === null ? "" : `: ${hearing.answer.reason}`;
    const stops = dialogue.refused === "stop";
    return [
      {
        code: stops ? "preflight_blocked" : "project_refused",
        host: null,
        instance: null,
        project_id: ask.project_id,
        since: now,
        message: `project ${ask.project_id} refuses the maintenance${words}`,
        what_happens_next: stops
          ? "the session ends without touching anything; agree with the project and create it anew"
          : "it is asked again about its instances when their host's turn comes, unless a second admin overrides it or you abort",
      },
    ];
  });
