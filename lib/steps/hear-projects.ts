import { type Ask, type Hearing, heardIn, hearingOf } from "../domain/dialogue/ask.ts";
import { askedOf, clockStands, clockWentOn, type Heard } from "../domain/dialogue/asking.ts";
import type { Asking } from "../domain/session.ts";
import { askCloud } from "./cloud-watch.ts";
import type { SessionContext } from "./session-step.ts";

/**
 * What the projects that were asked have said by now; what is settled is closed. Before silence is
 * taken for an answer the cloud is looked at: while Keystone is down nobody can answer, and while a
 * session only waits nobody else would see that. While the session is paused, or the cloud frozen,
 * nobody's time goes by.
 *
 * @returns `until` = when to listen again at the latest; null once all have answered or had their time
 */
export const hearProjects = async (
  context: SessionContext,
  asking: Asking,
): Promise<{ readonly answers: Heard[]; readonly until: string | null }> => {
  const { asks, sessionProjects, session, now } = context;
  const projects = await sessionProjects.ofSession(session.session_id);
  const all = await asks.getAll(session.session_id, askedOf(asking, projects));
  const asked = all.filter(({ expects_reply }) => expects_reply);
  const wellSince = await ableSince(context);
  const heard = await hear(context, asked, wellSince);
  const isUnwell = heard.some(isSilence) && (await isCloudUnwell(context));
  const answers = await Promise.all(
    (isUnwell ? await hear(context, asked, now) : heard).map(async ({ ask, hearing }) => {
      if (ask.closed_at !== null || hearing.kind === "open") return { ask, hearing };
      if (await asks.close(ask, hearing.kind, now)) return { ask, hearing };
      // Somebody answered in this very moment.
      return { ask, hearing: { kind: "open", until: now } satisfies Hearing };
    }),
  );
  const open = answers.flatMap(({ hearing }) => (hearing.kind === "open" ? [hearing.until] : []));
  return { answers, until: open.toSorted()[0] ?? null };
};

/** Since when every project has had its time; `now` while none has, null = ever since it was asked. */
const ableSince = async ({
  health,
  freeze,
  session,
  now,
}: SessionContext): Promise<string | null> => {
  const [wellSince, frozen] = await Promise.all([health.wellSince(now), freeze.get()]);
  if (clockStands(session, frozen)) return now;
  const since = [wellSince, clockWentOn(session, frozen)].filter((at) => at !== null);
  return since.toSorted().at(-1) ?? null;
};

/** @param wellSince since when nothing has kept anybody from answering; null = nothing ever did */
const hear = (
  { audience, now }: SessionContext,
  asked: readonly Ask[],
  wellSince: string | null,
): Promise<Heard[]> =>
  Promise.all(
    asked.map(async (ask): Promise<Heard> => {
      if (ask.closed_at !== null) return { ask, hearing: heardIn(ask) };
      const reach = await audience.reachOf(ask);
      return { ask, hearing: hearingOf(ask, { now, wellSince, reach }) };
    }),
  );

/** Whether the ask is about to be closed because nothing was heard. */
const isSilence = ({ ask, hearing: { kind } }: Heard): boolean =>
  ask.closed_at === null && (kind === "silent" || kind === "not_reached");

const isCloudUnwell = async (context: SessionContext): Promise<boolean> => {
  const [host] = context.session.hosts;
  return host !== undefined && (await askCloud(context, host, context.now)) !== null;
};
