import { type Clock, sleep } from "../../localstack/clock.ts";
import type { Word } from "./dialects.ts";
import { MARK, type OwnServer, type Project } from "./project.ts";
import type { Action, Told } from "./told.ts";

type Asked = {
  readonly told: Told;
  /** The instances that it is about. */
  readonly ids: readonly string[];
  readonly project: Project;
  readonly clock: Clock;
  /** Writes down what it does. */
  readonly note: (what: string) => void;
};

/** What a manager does when it is told something, and says then; null = it says nothing. */
export type Temper = (asked: Asked) => Promise<Word | null>;

/** The manager's process ends here, in the middle of it. */
export class CrashError extends Error {
  override readonly name = "CrashError";
}

/** Agrees to everything at once. */
export const prompt =
  (action: Action = "MIGRATE"): Temper =>
  async () => ({ ack: true, action });

/** Takes its time first, in seconds. */
export const slow =
  (seconds: number, then: Temper): Temper =>
  async (asked) => {
    await sleep(asked.clock, seconds * 1000);
    return then(asked);
  };

/** Hears everything and says nothing. */
export const silent: Temper = async () => null;

/** Answers everything with an error. */
export const broken: Temper = async () => {
  throw new Error("the database of the manager is away");
};

/** Does all the work and dies before it can say so. */
export const crashing =
  (state: string, temper: Temper): Temper =>
  async (asked) => {
    const word = await temper(asked);
    if (asked.told.state !== state) return word;
    throw new CrashError(`killed in ${state}`);
  };

/** Does not want its instances touched before so many seconds after the first question. */
export const refusing = (seconds: number, reason: string, then: Temper): Temper => {
  let until: number | undefined;
  return async (asked) => {
    if (!asked.told.state.startsWith("P")) return then(asked);
    const now = asked.clock.now();
    until ??= now + seconds * 1000;
    return now < until
      ? { ack: false, reason, not_before: new Date(until).toISOString() }
      : then(asked);
  };
};

/**
 * Scales in by so many of its spare servers each time it is asked, as long as it has any, and out
 * again to what it was when all is over.
 */
export const scaling = (
  scale: number,
  isSpare: (server: OwnServer) => boolean,
  then: Temper,
): Temper => {
  const removed: OwnServer[] = [];
  return async (asked) => {
    const { told, project, note } = asked;
    if (told.state === "SCALE_IN") {
      const spare = (await project.servers()).filter(isSpare).slice(0, scale);
      await project.remove(spare.map(({ id }) => id));
      removed.push(...spare);
      note(`scaled in by ${spare.length}`);
      return { ack: true };
    }
    if (told.state !== "MAINTENANCE_COMPLETE") return then(asked);
    const again = removed.splice(0);
    await Promise.all(again.map((server) => project.boot(server)));
    note(`scaled out by ${again.length}`);
    return { ack: true };
  };
};

/** Takes its instances away itself: boots another one elsewhere and deletes the one it was asked about. */
export const ownAction = (seconds: number): Temper => {
  const replaced = new Set<string>();
  return async ({ told, ids, project, clock, note }) => {
    if (!told.state.startsWith("P")) return { ack: true };
    const servers = await project.servers();
    const leaving = servers.filter(({ id }) => ids.includes(id) && !replaced.has(id));
    for (const { id } of leaving) replaced.add(id);
    const replace = async () => {
      await sleep(clock, seconds * 1000);
      for (const server of leaving) {
        note(`replaced ${server.id} by ${await project.boot(server)}`);
        await project.remove([server.id]);
      }
    };
    replace().catch((error: unknown) => note(`could not replace all: ${error}`));
    return { ack: true, action: "OWN_ACTION" };
  };
};

/**
 * An active one and a standby: before it lets the active one be acted on, the standby takes over.
 * It notes an outage when it is asked about one while the other is still away.
 */
export const switching = (isMember: (server: OwnServer) => boolean, action: Action): Temper => {
  const away = new Set<string>();
  const giveWay = async ({ ids, project, note }: Asked): Promise<void> => {
    const members = (await project.servers()).filter(isMember);
    for (const { id } of members) if (ids.includes(id)) away.add(id);
    const active = members.find(({ metadata }) => metadata[MARK] !== undefined);
    const standby = members.find(({ id }) => !away.has(id));
    if (standby === undefined) return note("outage: all members are away");
    if (active === undefined || !away.has(active.id)) return;
    await project.mark(standby.id, active.id);
    note(`switched over to ${standby.id}`);
  };
  return async (asked) => {
    const { state } = asked.told;
    if (state.startsWith("P")) await giveWay(asked);
    if (state !== "INSTANCE_ACTION_DONE") return { ack: true, action };
    for (const id of asked.ids) away.delete(id);
    return null;
  };
};
