import type { HostRun, SessionDetail } from "../client/maintenance.ts";
import { count } from "./counts.ts";
import { EXIT } from "./exit.ts";
import { showDuration } from "./times.ts";

/** Enough of the id to type, and to find it by. */
export const shortId = ({ session_id }: Pick<SessionDetail, "session_id">): string =>
  session_id.slice(0, 8);

/** Whether nothing more will happen in the session by itself. */
export const isOver = ({ session }: SessionDetail): boolean =>
  session.state === "MAINTENANCE_DONE" || session.state === "MAINTENANCE_FAILED";

const maintained = ({ hosts }: SessionDetail) =>
  hosts.filter(({ outcome }) => outcome === "maintained" || outcome === "retired").length;

/** Pre-flight is a session's first step: one that it stops has begun on no host. */
export const isBlocked = ({ attention, hosts }: SessionDetail): boolean =>
  attention.some(({ code }) => code === "preflight_blocked") &&
  hosts.every(({ started_at }) => !started_at);

/** What a session that is over amounts to, as an exit code. */
export const exitCodeOf = (detail: SessionDetail): number => {
  if (detail.session.state === "MAINTENANCE_DONE") return EXIT.done;
  if (isBlocked(detail)) return EXIT.blocked;
  return maintained(detail) > 0 ? EXIT.partial : EXIT.failed;
};

/** "3 hosts, 17 instances". Instances are unknown until the session has looked. */
export const sizeOf = (hosts: number, detail: SessionDetail): string => {
  const { instances_total } = detail.session;
  const instances =
    typeof instances_total === "number"
      ? count(instances_total, "instance")
      : "instances not counted yet";
  return `${count(hosts, "host")}, ${instances}`;
};

/** "2 of 3 hosts maintained, 1 failed". */
export const resultOf = (detail: SessionDetail): string => {
  if (isBlocked(detail)) return "blocked by pre-flight, nothing was changed";
  const failed = detail.hosts.filter(({ outcome }) => outcome === "failed").length;
  const restored = detail.hosts.filter(({ outcome }) => outcome === "restored").length;
  const { aborted } = detail;
  return [
    ...(aborted ? [`aborted by ${aborted.by} (${aborted.reason})`] : []),
    `${maintained(detail)} of ${count(detail.hosts.length, "host")} maintained`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(restored > 0 ? [`${restored} put back without work`] : []),
  ].join(", ");
};

/** "3/7": instances that have left the host. */
export const movedOf = ({ instances_total, instances_left }: HostRun): string =>
  instances_total === null || instances_total === undefined
    ? ""
    : `${instances_total - (instances_left ?? instances_total)}/${instances_total}`;

export const phaseOf = ({ phase, outcome }: HostRun): string =>
  outcome ? `${phase} (${outcome})` : phase;

export const elapsedOf = ({ started_at, finished_at }: HostRun, now: number): string =>
  started_at
    ? showDuration((finished_at ? Date.parse(finished_at) : now) - Date.parse(started_at))
    : "";
