import { isUnderWay, type Scene, scenes, when } from "./replay.ts";
import type { SessionStory, Story } from "./story.ts";

type Work = {
  readonly host: string;
  readonly from: number;
  /** When it ended as told; for ever when it was never told. */
  readonly until: number;
};

/** Host work, as `maintenance.host` tells it. */
const worksOf = ({ events }: SessionStory): Work[] => {
  const told = events.filter(({ type }) => type === "maintenance.host");
  const instants = (state: string) =>
    told
      .filter(({ detail }) => detail["state"] === state)
      .map(({ at, detail }) => ({ host: String(detail["host"]), at: Date.parse(at) }));
  const ends = instants("MAINTENANCE_COMPLETE");
  return instants("IN_MAINTENANCE").map(({ host, at }) => ({
    host,
    from: at,
    until: ends.find((end) => end.host === host && end.at >= at)?.at ?? Number.POSITIVE_INFINITY,
  }));
};

/**
 * Host work goes on only on an empty host that takes no new instances. It ends when the session
 * tells so, or a moment before, when the host takes instances again.
 */
export const workOnGuests = (story: Story): string[] => {
  const works = story.sessions.flatMap(worksOf);
  return [...new Set(works.flatMap((work) => doubtsAbout(story, work)))];
};

const doubtsAbout = (story: Story, work: Work): string[] => {
  const { host } = work;
  const doubts = new Map<string, string>();
  let begun = false;
  for (const scene of scenes(story)) {
    if (scene.until < work.from || scene.from > work.until) continue;
    const from = Math.max(scene.from, work.from);
    if (scene.hosts.get(host)?.status === "enabled") {
      if (!begun) doubts.set("", `${host} was worked on at ${when(from)} while it was enabled`);
      break;
    }
    begun = true;
    const until = Math.min(scene.until, work.until);
    for (const { guest, since } of guestsOn(scene, host, until))
      if (!doubts.has(guest)) {
        const at = when(Math.max(from, since));
        doubts.set(guest, `${host} was worked on at ${at} while ${guest}`);
      }
  }
  return [...doubts.values()];
};

const guestsOn = ({ instances, migrations }: Scene, host: string, until: number) => [
  ...[...instances.values()]
    .filter((instance) => instance.host === host && instance.created_at <= until)
    .map(({ name, created_at }) => ({ guest: `instance ${name} was on it`, since: created_at })),
  ...[...migrations.values()]
    .filter((migration) => isUnderWay(migration, until))
    .filter(({ source, dest }) => source === host || dest === host)
    .map(({ id, status, created_at }) => ({
      guest: `its migration ${id} was ${status}`,
      since: created_at,
    })),
];
