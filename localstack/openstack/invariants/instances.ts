import { when } from "./replay.ts";
import type { Call, Story } from "./story.ts";

/** What Lull may ask of an instance; everything else interrupts it or may. */
const HARMLESS = new Set(["os-migrateLive"]);

/**
 * No instance is stopped, paused, rebooted, deleted or left in ERROR: the same instances are there
 * at the end, each as it was, none left it meanwhile, and no call asked for more than a live move.
 */
export const harmToInstances = (story: Story): string[] => [
  ...harmAtTheEnd(story),
  ...harmMeanwhile(story),
  ...harmfulCalls(story),
];

const harmAtTheEnd = ({ before, after }: Story): string[] =>
  before.instances.flatMap((was) => {
    const is = after.instances.find(({ id }) => id === was.id);
    if (is === undefined) return [`instance ${was.name} is gone`];
    if (is.vm_state !== was.vm_state)
      return [`instance ${was.name} was ${was.vm_state} and is ${is.vm_state}`];
    if (is.task_state !== was.task_state)
      return [`instance ${was.name} is left with task_state ${is.task_state}`];
    return [];
  });

const harmMeanwhile = (story: Story): string[] => {
  const known = new Map(story.before.instances.map(({ id, name }) => [id, name]));
  return story.history.flatMap((change) =>
    change.kind === "instance" && change.field === "vm_state" && known.has(change.id)
      ? [
          `instance ${known.get(change.id)} went from ${change.before} to ${change.after} at ${when(change.at)}`,
        ]
      : [],
  );
};

const harmfulCalls = ({ journal }: Story): string[] =>
  journal
    .filter(({ service, path }) => service === "compute" && path.startsWith("/servers"))
    .filter((call) => !isHarmless(call))
    .map(
      ({ method, path, body, at }) =>
        `an instance was asked for more than a live move: ${method} ${path} ` +
        `${JSON.stringify(body ?? null)} at ${when(at)}`,
    );

const isHarmless = ({ method, path, body }: Call): boolean => {
  // An abort takes a move back and leaves the guest running where it is.
  if (method === "DELETE") return /\/migrations\/\d+$/.test(path);
  const actions = Object.keys(Object(body));
  return /^\/servers\/[^/]+\/action$/.test(path) && actions.every((name) => HARMLESS.has(name));
};
