import { when } from "./replay.ts";
import type { Story } from "./story.ts";

/** No word to a project holds a host's name or an instance of somebody else. */
export const indiscretions = (story: Story): string[] => [
  ...indiscreetEvents(story),
  ...indiscreetMetadata(story),
];

/** What is written into the metadata of an instance, its owner reads. */
const indiscreetMetadata = ({ after, journal }: Story): string[] =>
  journal
    .filter(({ service, path }) => service === "compute" && path.includes("/metadata/"))
    .flatMap(({ at, path, body }) =>
      after.hosts
        .filter(({ name }) => JSON.stringify(body ?? null).includes(name))
        .map(({ name }) => `what was written to ${path} at ${when(at)} names ${name}`),
    );

const indiscreetEvents = (story: Story): string[] => {
  const hosts = story.after.hosts.map(({ name }) => name);
  const owners = new Map(story.after.instances.map(({ id, project_id }) => [id, project_id]));
  return story.sessions.flatMap(({ events }) =>
    events
      .filter(({ type }) => type === "maintenance.scheduled")
      .flatMap(({ at, entity, detail }) => {
        const text = JSON.stringify([entity, detail]);
        const project = detail["project_id"];
        const notice = `the notice of ${at} to project ${project}`;
        return [
          ...hosts.filter((host) => text.includes(host)).map((host) => `${notice} names ${host}`),
          ...[...owners]
            .filter(([id, owner]) => owner !== project && text.includes(id))
            .map(([id]) => `${notice} names instance ${id} of another project`),
        ];
      }),
  );
};
