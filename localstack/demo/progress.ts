import type { SessionStory } from "../openstack/invariants/story.ts";

type Move = SessionStory["detail"]["instances"][number];

/** Something that happened, and when by the cloud's clock. */
export type Happening = { readonly at: string; readonly host: string; readonly text: string };

/** What a session has been through so far, told for people, in the order of its instants. */
export const happeningsOf = ({
  detail: { hosts, instances },
  events,
}: SessionStory): Happening[] => {
  const begun = hosts.flatMap(({ hostname, started_at }) =>
    started_at ? [{ at: started_at, host: hostname, text: "is taken out of service" }] : [],
  );
  const moved = instances.flatMap((move) =>
    move.finished_at ? [{ at: move.finished_at, host: move.host, text: movedTo(move) }] : [],
  );
  const told = events
    .filter(({ type }) => type === "maintenance.host")
    .map(({ at, detail }) => ({
      at,
      host: String(detail["host"]),
      text: detail["state"] === "IN_MAINTENANCE" ? "is empty, work begins" : "is back in service",
    }));
  return [...begun, ...moved, ...told].toSorted((a, b) => (a.at < b.at ? -1 : 1));
};

const movedTo = ({ instance_name, state, destination_host }: Move): string =>
  state === "moved" ? `${instance_name} moved to ${destination_host}` : `${instance_name} is gone`;

/** 04:09, minutes and seconds. */
export const minutes = (ms: number): string => {
  const seconds = Math.round(ms / 1_000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
};
