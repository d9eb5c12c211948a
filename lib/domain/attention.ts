import { askingUntil, clockStands, projectsText, waitedFor } from "./dialogue/asking.ts";
import { type ActionRun, type HostRun, isActive } from "./host-run.ts";
import { type Attention, isClosed, type Session } from "./session.ts";
import type { Freeze } from "./standstill.ts";

/** Everything in the session that waits for a named human, oldest first. */
export const attentionOf = (
  session: Session,
  hosts: readonly HostRun[],
  freeze: Freeze | null,
): Attention[] => {
  const failed = hosts
    .filter(({ outcome }) => outcome === "failed")
    .map((run) => ({
      code: "host_failed",
      host: run.host,
      instance: null,
      since: run.finished_at ?? run.phase_at,
      message: run.details ?? "no reason given",
      what_happens_next:
        "nothing: the host stays disabled and silenced until you release it, or retry it",
    }));
  const stuck = hosts
    .filter((run) => isActive(run) && run.trouble !== null)
    .map((run) => ({
      code: `host_${run.phase.toLowerCase()}`,
      host: run.host,
      instance: null,
      since: run.phase_at,
      message: run.trouble ?? "",
      what_happens_next:
        "it is tried again, and given back or left out of service when its time is over",
    }));
  const held = hosts
    .filter(({ actions }) => actions.some(isHeld))
    .map((run) => ({
      code: "host_held",
      host: run.host,
      instance: null,
      since: run.phase_at,
      message: run.actions.find(isHeld)?.details ?? "",
      what_happens_next:
        "it is held until then, or until its time is over: then it counts as failed",
    }));
  const left = hosts
    .filter(({ left_behind }) => left_behind !== null)
    .map((run) => ({
      code: "host_left",
      host: run.host,
      instance: null,
      since: run.phase_at,
      message: run.left_behind ?? "",
      what_happens_next: "nothing: this is left for you",
    }));
  const down = hosts.filter(areKeptDown).map((run) => ({
    code: "instances_down",
    host: run.host,
    instance: null,
    since: run.standstill?.at ?? run.finished_at ?? run.phase_at,
    message: `${run.stopped.length} instance(s) that were stopped for the work stay down: ${run.stopped.join(", ")}`,
    what_happens_next: "they are started as soon as the host is put back",
  }));
  return [
    ...session.attention,
    ...answersAwaited(session, freeze),
    ...down,
    ...brakesOn(session, freeze),
    ...failed,
    ...stuck,
    ...held,
    ...left,
  ].toSorted((a, b) => (a.since < b.since ? -1 : 1));
};

/** What the session waits for is answers of its projects; a host that waits for its owners says so itself. */
const answersAwaited = (session: Session, freeze: Freeze | null): Attention[] => {
  const { asking } = session;
  if (asking === null || isClosed(session)) return [];
  const { state, project_ids, since } = asking;
  const total = waitedFor(asking);
  const stands = clockStands(session, freeze);
  const until = stands ? "" : ` until ${askingUntil(session, asking, freeze)}`;
  const end = "it goes on when all have answered, or have had their time";
  return [
    {
      code: "asking",
      host: null,
      instance: null,
      since,
      message: `waits${until} for ${total} project(s) to answer ${state}: ${projectsText(project_ids, total)}`,
      what_happens_next: stands ? `${end}, which runs only while the session does` : end,
    },
  ];
};

/** Whether instances wait to be started, and nobody works on their host. */
const areKeptDown = ({ stopped, standstill, outcome }: HostRun): boolean =>
  stopped.length > 0 && (standstill !== null || outcome === "failed");

/** A hold that waits for a human: one that ends by itself has nothing to say. */
const isHeld = ({ plugin, state, details }: ActionRun): boolean =>
  plugin === "hold" && state === "RUNNING" && details !== null;

/** Why the session as a whole stands still, by whom and in what words. */
const brakesOn = (session: Session, freeze: Freeze | null): Attention[] => {
  if (isClosed(session)) return [];
  const whole = { host: null, instance: null };
  const holds = session.control === "paused" ? session.holds : [];
  const paused = holds
    .filter((hold) => !session.attention.some(({ code }) => code === CODE_OF[hold.code]))
    .map(({ code, by, at, reason }) => ({
      ...whole,
      code: CODE_OF[code],
      since: at,
      message: `paused by ${by}: ${reason}`,
      what_happens_next:
        "nothing new is begun, and what is under way is seen to its end, until you resume it",
    }));
  if (!freeze?.frozen) return paused;
  const frozen = {
    ...whole,
    code: "frozen",
    since: freeze.at,
    message: `the whole cloud was frozen by ${freeze.by}: ${freeze.reason}`,
    what_happens_next: "nothing is done to the cloud until somebody thaws it",
  };
  return [...paused, frozen];
};

const CODE_OF = { operator: "paused", breaker: "breaker" } as const;
