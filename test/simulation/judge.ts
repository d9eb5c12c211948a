import { readSession } from "../../localstack/demo/session-story.ts";
import {
  type ChangeFacts,
  type CloudFacts,
  readCloud,
  type SessionStory,
  type Story,
  storyBetween,
} from "../../localstack/openstack/invariants/story.ts";
import { violationsIn } from "../../localstack/openstack/invariants.ts";
import { brokenWord } from "./managers.ts";
import { patiently } from "./operator.ts";
import { itemsOf, plainRow } from "./rows.ts";
import type { Stage } from "./stage.ts";

type Verdict = { readonly sessions: readonly string[]; readonly violations: readonly string[] };

/** Holds what the cloud and the sessions went through against what is promised. */
export const judge = async (stage: Stage, before: CloudFacts): Promise<Verdict> => {
  const { simulator, sessions, api, lull, hands, managers } = stage;
  const stories = await Promise.all(
    sessions.map((id) => patiently(stage, () => readSession(api, id))),
  );
  const after = await readCloud(simulator.url);
  const permissions = managers.flatMap((manager) => manager.permissions());
  const story = excused(storyBetween(before, after, stories, permissions), stage);
  hands.log(JSON.stringify(stories.map(({ detail }) => detail)));
  return {
    sessions: stories.map(({ detail }) => stateOf(detail)),
    violations: [
      ...violationsIn(story),
      ...brokenWord(managers, stories, story.journal),
      ...stories.flatMap(({ detail }) =>
        isEnded(detail) || detail.attention.length > 0
          ? []
          : [
              `invariant 10: session ${detail.session_id} is ${detail.session.state} and waits for nobody`,
            ],
      ),
      ...lull
        .stack()
        .deadLetters()
        .filter(({ body }) => !isOfTick(body))
        .map(({ queue, body }) => `a dead letter in ${queue}: ${body.slice(0, 300)}`),
      ...orphans(stage),
    ],
  };
};

/** A tick that dies is not tried again: the next one does what it could not. */
const isOfTick = (body: string): boolean => body.includes(":function:lull-dev-engineTick:");

const isEnded = ({ session }: SessionStory["detail"]): boolean =>
  session.state === "MAINTENANCE_DONE" || session.state === "MAINTENANCE_FAILED";

const stateOf = (detail: SessionStory["detail"]): string =>
  isEnded(detail)
    ? detail.session.state.replace("MAINTENANCE_", "")
    : `WAITS(${[...new Set(detail.attention.map(({ code }) => code))].toSorted().join(",")})`;

/** Active runs that no execution works for. */
const orphans = (stage: Stage): string[] => {
  const stack = stage.lull.stack();
  const running = new Set(
    stack.executions().flatMap(({ status, name }) => (status === "RUNNING" ? [name] : [])),
  );
  return itemsOf(stage)
    .map(plainRow)
    .flatMap(({ kind, status, run_id, generation }) =>
      kind === "run" && status === "active" && !running.has(`${run_id}-${generation}`)
        ? [`run ${run_id} is active in generation ${generation} and has no execution`]
        : [],
    );
};

/** Instances that somebody created meanwhile, as they were when they came. */
const lateComers = ({ before, after, history }: Story): Story["before"]["instances"] => {
  const known = new Set(before.instances.map(({ id }) => id));
  return after.instances
    .filter(({ id }) => !known.has(id))
    .map((instance) => {
      const first = history.find(
        ({ kind, id, field }) => kind === "instance" && id === instance.id && field === "host",
      );
      return first ? { ...instance, host: first.before as string | null } : instance;
    });
};

/** A host that its session still has out of service: it waits for somebody, and is not back as it was. */
const isAtWork = ({ phase }: SessionStory["detail"]["hosts"][number]): boolean =>
  phase !== "WAITING" && phase !== "FINISHED";

/** In the middle of a round Lull does not look again: it learns so much later of what somebody does. */
const ROUND_MS = 5_000;

const isByHand = ({ kind, id, field, after }: ChangeFacts, hosts: ReadonlySet<string>): boolean =>
  kind === "host" && field === "status" && after === "enabled" && hosts.has(id);

const noticed = (change: ChangeFacts): ChangeFacts => ({ ...change, at: change.at + ROUND_MS });

/** The story without what others did, and what is not over: Lull is not blamed for it. */
const excused = (story: Story, { others }: Stage): Story => {
  const inHand = new Set(
    story.sessions.flatMap(({ detail }) =>
      isEnded(detail) ? [] : detail.hosts.filter(isAtWork).map(({ hostname }) => hostname),
    ),
  );
  const instancesAfter = new Map(story.after.instances.map((one) => [one.id, one]));
  const hostsAfter = new Map(story.after.hosts.map((one) => [one.name, one]));
  return {
    ...story,
    before: {
      ...story.before,
      instances: [...story.before.instances, ...lateComers(story)].flatMap((was) => {
        if (!others.instances.has(was.id)) return [was];
        const is = instancesAfter.get(was.id);
        return is ? [{ ...was, vm_state: is.vm_state, task_state: is.task_state }] : [];
      }),
      hosts: story.before.hosts.map((was) => {
        const excuse = others.hosts.has(was.name) || inHand.has(was.name);
        const is = excuse ? hostsAfter.get(was.name) : undefined;
        return is
          ? {
              ...was,
              status: is.status,
              disabled_reason: is.disabled_reason,
              forced_down: is.forced_down,
            }
          : was;
      }),
    },
    history: story.history
      .filter(
        ({ kind, id, field }) =>
          !(kind === "instance" && field === "vm_state" && others.instances.has(id)),
      )
      .map((change) => (isByHand(change, others.hosts) ? noticed(change) : change))
      .toSorted((a, b) => a.at - b.at),
  };
};
