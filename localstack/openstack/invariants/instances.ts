import { valueBefore, when } from "./replay.ts";
import type { Call, ChangeFacts, InstanceFacts, Story } from "./story.ts";

/** What a policy lets Lull do to an instance besides moving it live. */
type Licence = {
  readonly policy: string;
  readonly value: string;
  /** What the instance has to be before it is first touched. */
  readonly from: string;
  readonly actions: readonly string[];
  readonly changes: readonly (readonly [before: string, after: string])[];
};

const LICENCES: readonly Licence[] = [
  {
    policy: "shutoff",
    value: "migrate",
    from: "stopped",
    actions: ["migrate", "confirmResize", "revertResize"],
    changes: [
      ["stopped", "resized"],
      ["resized", "stopped"],
    ],
  },
  {
    policy: "shelved",
    value: "offload",
    from: "shelved",
    actions: ["shelveOffload"],
    changes: [["shelved", "shelved_offloaded"]],
  },
  {
    policy: "device_bound",
    value: "stop_start",
    from: "active",
    actions: ["os-stop", "os-start"],
    changes: [
      ["active", "stopped"],
      ["stopped", "active"],
    ],
  },
];

/** What the owner's word for it lets Lull do to an instance that runs. */
const COLD_MOVE = {
  action: "MIGRATE",
  actions: ["migrate", "confirmResize", "revertResize"],
  changes: [
    ["active", "resized"],
    ["resized", "active"],
  ],
} as const;

/** What the owner says who lets its moves be forced. */
const INTERRUPTION = "max_interruption_time";

/** It becomes something else by itself. */
const UNBORN = "building";

/** What Lull may always ask of an instance; everything else interrupts it or may. */
const HARMLESS = new Set(["os-migrateLive"]);

/**
 * No instance is stopped, paused, rebooted, deleted or left in ERROR, unless a policy says so or its
 * owner agreed before: the same instances are there at the end, each as it was, none left it
 * meanwhile, and no call asked for more than a live move or what is allowed. What owners do to their
 * own instances is their business.
 */
export const harmToInstances = (story: Story): string[] => [
  ...harmAtTheEnd(story),
  ...harmMeanwhile(story),
  ...harmfulCalls(story),
];

/** What the policies of the story's sessions allow with this instance, by what it was at first. */
const licencesFor = (story: Story, id: string): Licence[] => {
  const said = story.sessions.map(({ detail }) => detail.session.policies);
  const was = firstState(story, id);
  return LICENCES.filter(
    ({ policy, value, from }) => from === was && said.some((one) => one[policy] === value),
  );
};

const firstState = ({ before, after, history }: Story, id: string): unknown => {
  const known = before.instances.find((one) => one.id === id);
  if (known) return known.vm_state;
  const isState = ({ kind, field, id: of }: ChangeFacts) =>
    kind === "instance" && field === "vm_state" && of === id;
  return history.find(isState)?.before ?? after.instances.find((one) => one.id === id)?.vm_state;
};

/** Whether the owner had agreed to a cold move by then. */
const isColdMoveAgreed = ({ permissions }: Story, id: string, by: number): boolean =>
  permissions.some(
    ({ at, instance_id, action }) => instance_id === id && action === COLD_MOVE.action && at <= by,
  );

const ownerOf = ({ before, after }: Story, id: string | undefined): string | undefined =>
  [...before.instances, ...after.instances].find((one) => one.id === id)?.project_id;

/** Whether a project did it to what is its own, or made something new. */
const isByOwner = (story: Story, { method, path, project_id }: Call): boolean => {
  const id = /^\/servers\/(?<id>[^/]+)/.exec(path)?.groups?.["id"];
  if (id !== undefined) return ownerOf(story, id) === project_id;
  return method === "POST" && story.after.instances.some((one) => one.project_id === project_id);
};

const isDeletedByOwner = (story: Story, id: string): boolean =>
  story.journal.some(
    (call) => call.method === "DELETE" && call.path === `/servers/${id}` && isByOwner(story, call),
  );

const harmAtTheEnd = (story: Story): string[] =>
  story.before.instances.flatMap((was) => {
    if (isDeletedByOwner(story, was.id)) return [];
    const is = story.after.instances.find(({ id }) => id === was.id);
    if (is === undefined) return [`instance ${was.name} is gone`];
    if (is.vm_state !== was.vm_state && was.vm_state !== UNBORN && !isOffloaded(story, is))
      return [`instance ${was.name} was ${was.vm_state} and is ${is.vm_state}`];
    if (is.task_state !== was.task_state)
      return [`instance ${was.name} is left with task_state ${is.task_state}`];
    return [];
  });

const isOffloaded = (story: Story, { id, vm_state }: InstanceFacts): boolean =>
  vm_state === "shelved_offloaded" &&
  licencesFor(story, id).some(({ policy }) => policy === "shelved");

const harmMeanwhile = (story: Story): string[] => {
  const known = new Map(story.before.instances.map(({ id, name }) => [id, name]));
  return story.history
    .filter(({ kind, field, id }) => kind === "instance" && field === "vm_state" && known.has(id))
    .filter(
      (change) =>
        change.before !== UNBORN &&
        !(change.after === "deleted" && isDeletedByOwner(story, change.id)) &&
        !changesFor(story, change).some(
          ([from, to]) => from === change.before && to === change.after,
        ),
    )
    .map(
      ({ id, before, after, at }) =>
        `instance ${known.get(id)} went from ${before} to ${after} at ${when(at)}`,
    );
};

const changesFor = (story: Story, { id, at }: ChangeFacts) => [
  ...licencesFor(story, id).flatMap(({ changes }) => changes),
  ...(isColdMoveAgreed(story, id, at) ? COLD_MOVE.changes : []),
];

const harmfulCalls = (story: Story): string[] =>
  story.journal
    .filter(({ service, path }) => service === "compute" && path.startsWith("/servers"))
    .filter((call) => !isByOwner(story, call) && !isAllowed(story, call))
    .map(
      ({ method, path, body, at }) =>
        `an instance was asked for more than it may be: ${method} ${path} ` +
        `${JSON.stringify(body ?? null)} at ${when(at)}`,
    );

const FORCE = /^\/servers\/(?<id>[^/]+)\/migrations\/\d+\/action$/;

/**
 * A move is forced, which pauses its instance, only in a session that allows it, after the owner has
 * said how long the instance may be interrupted, and once.
 */
const isForceAllowed = (
  { sessions, permissions, journal }: Story,
  { path, at, body }: Call,
): boolean => {
  const id = FORCE.exec(path)?.groups?.["id"];
  const isForce = Object.keys(Object(body)).join() === "force_complete";
  return (
    isForce &&
    sessions.some(({ detail }) => detail.session.force_complete) &&
    permissions.some(
      (one) => one.instance_id === id && one.action === INTERRUPTION && one.at <= at,
    ) &&
    journal.filter((other) => other.path === path).length === 1
  );
};

/** Metadata is what owners tell their guests: one key of it is Lull's, to write and to take away. */
const isStatusLink = ({ method, path }: Call): boolean =>
  (method === "PUT" || method === "DELETE") &&
  /^\/servers\/[^/]+\/metadata\/maintenance:status_url$/.test(decodeURIComponent(path));

const isAllowed = (story: Story, call: Call): boolean => {
  const { method, path, body } = call;
  // An abort takes a move back and leaves the guest running where it is.
  if (method === "DELETE" && /\/migrations\/\d+$/.test(path)) return true;
  if (isStatusLink(call)) return true;
  if (isForceAllowed(story, call)) return true;
  const id = /^\/servers\/(?<id>[^/]+)\/action$/.exec(path)?.groups?.["id"];
  if (id === undefined) return false;
  const licensed = licencesFor(story, id).flatMap(({ actions }) => actions);
  const agreed: readonly string[] = isColdMoveAgreed(story, id, call.at) ? COLD_MOVE.actions : [];
  return Object.keys(Object(body)).every(
    (name) =>
      HARMLESS.has(name) ||
      agreed.includes(name) ||
      (licensed.includes(name) && !isUntimely(story, call, id, name)),
  );
};

/** A cold move of an instance that runs by now would stop it, and nobody agreed to that. */
const isUntimely = (story: Story, { at }: Call, id: string, action: string): boolean =>
  action === "migrate" &&
  valueBefore(story, at, { kind: "instance", id, field: "vm_state" }, firstState(story, id)) !==
    "stopped";
