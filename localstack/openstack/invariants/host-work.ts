import { isUnderWay, type Scene, scenes, when } from "./replay.ts";
import type { InstanceFacts, SessionStory, Story } from "./story.ts";

type Work = {
  readonly host: string;
  /** What its session may leave on it. */
  readonly policies: Readonly<Record<string, string>>;
  readonly from: number;
  /** When it ended as told; for ever when it was never told. */
  readonly until: number;
};

/** Host work, as `maintenance.host` tells it. */
const worksOf = ({ detail: { session }, events }: SessionStory): Work[] => {
  const told = events.filter(({ type }) => type === "maintenance.host");
  const instants = (state: string) =>
    told
      .filter(({ detail }) => detail["state"] === state)
      .map(({ at, detail }) => ({ host: String(detail["host"]), at: Date.parse(at) }));
  const ends = instants("MAINTENANCE_COMPLETE");
  return instants("IN_MAINTENANCE").map(({ host, at }) => ({
    host,
    policies: session.policies,
    from: at,
    until: ends.find((end) => end.host === host && end.at >= at)?.at ?? Number.POSITIVE_INFINITY,
  }));
};

/**
 * Host work goes on only on a host that is empty, but for what rests there by policy, and that takes no new instances. It ends when the session
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
    for (const { guest, since } of guestsOn(story, scene, work, until))
      if (!doubts.has(guest)) {
        const at = when(Math.max(from, since));
        doubts.set(guest, `${host} was worked on at ${at} while ${guest}`);
      }
  }
  return [...doubts.values()];
};

/** Whether the instance does not run, and its session may leave such a one where it is. */
const mayRest = ({ vm_state }: InstanceFacts, policies: Work["policies"]): boolean =>
  (vm_state === "error" && policies["error"] === "stay") ||
  (vm_state === "stopped" &&
    (policies["shutoff"] === "stay" || policies["device_bound"] === "stop_start"));

/** Whether Lull had started it again by then: for Lull the work was over. */
const isStartedAgain = ({ journal }: Story, { id }: InstanceFacts, work: Work, by: number) =>
  journal.some(
    ({ at, path, body }) =>
      at >= work.from && at <= by && path === `/servers/${id}/action` && "os-start" in Object(body),
  );

const guestsOn = (
  story: Story,
  { from, instances, migrations }: Scene,
  work: Work,
  until: number,
) => [
  ...[...instances.values()]
    .filter((instance) => instance.host === work.host && instance.created_at <= until)
    .filter((instance) => !mayRest(instance, work.policies))
    .filter((instance) => !isStartedAgain(story, instance, work, from))
    .map(({ name, created_at }) => ({ guest: `instance ${name} was on it`, since: created_at })),
  ...[...migrations.values()]
    .filter((migration) => isUnderWay(migration, until))
    .filter(({ source, dest }) => source === work.host || dest === work.host)
    .map(({ id, status, created_at }) => ({
      guest: `its migration ${id} was ${status}`,
      since: created_at,
    })),
];
