import {
  type Effect,
  type HostRun,
  listEffects,
  type SessionDetail,
} from "../client/maintenance.ts";
import type { Api } from "../client/request.ts";
import { STATUS_KEY } from "../domain/status-link.ts";
import { type OpenStackCommand, openstackFor } from "../orphans/shell.ts";
import type { Values } from "./options.ts";
import { clean } from "./output.ts";
import { showTime } from "./times.ts";

type Deed = Pick<Effect, "target"> & {
  readonly openstack: OpenStackCommand;
  readonly host: string;
  readonly sessionId: string;
  /** What follows the effect's name: an instance's id, an agent's, an action's number ... */
  readonly subject: string;
};

const to = ({ target }: Deed): string[] => (target === null ? [] : ["--host", target]);

/** The command that does the same, by the name of the effect. */
const EQUALS: Readonly<Record<string, (deed: Deed) => string>> = {
  disable: ({ openstack, host, sessionId }) =>
    openstack(
      ...["compute", "service", "set", "--disable", "--disable-reason", `lull:${sessionId}`],
      ...[host, "nova-compute"],
    ),
  mark_aborted: ({ openstack, host, sessionId }) =>
    openstack(
      ...["compute", "service", "set", "--disable", "--disable-reason"],
      ...[`lull:${sessionId} aborted in work`, host, "nova-compute"],
    ),
  enable: ({ openstack, host }) =>
    openstack("compute", "service", "set", "--enable", host, "nova-compute"),
  live_migrate: (deed) =>
    deed.openstack("server", "migrate", "--live-migration", ...to(deed), deed.subject),
  migrate: (deed) => deed.openstack("server", "migrate", ...to(deed), deed.subject),
  confirm: ({ openstack, subject }) => openstack("server", "migration", "confirm", subject),
  revert: ({ openstack, subject }) => openstack("server", "migration", "revert", subject),
  abort: ({ openstack, subject }) =>
    openstack("server", "migration", "abort", subject, "MIGRATION"),
  force_complete: ({ openstack, subject }) =>
    openstack("server", "migration", "force", "complete", subject, "MIGRATION"),
  offload: ({ openstack, subject }) => openstack("server", "shelve", "--offload", subject),
  stop: ({ openstack, subject }) => openstack("server", "stop", subject),
  start: ({ openstack, subject }) => openstack("server", "start", subject),
  status_link: ({ openstack, subject }) =>
    openstack("server", "set", "--property", `${STATUS_KEY}=STATUS_URL`, subject),
  status_unlink: ({ openstack, subject }) =>
    openstack("server", "unset", "--property", STATUS_KEY, subject),
  leave_aggregate: ({ openstack, subject, host }) =>
    openstack("aggregate", "remove", "host", subject, host),
  delete_agent: ({ openstack, subject }) => openstack("network", "agent", "delete", subject),
  delete_service: ({ openstack, host }) => {
    const list = ["compute", "service", "list", "--host", host, "--service", "nova-compute"];
    return `${openstack("compute", "service", "delete")} $(${openstack(...list, "-f", "value", "-c", "ID")})`;
  },
};

/** "abort#live_migrate#<instance>#001" is about the instance that its move is about. */
const subjectOf = ({ effect, instance_id }: Effect): string => {
  const [, ...words] = effect.split("#");
  return instance_id ?? words.find((word) => /^[0-9a-f-]{36}$/.test(word)) ?? words[0] ?? "";
};

export type Explained = Effect & {
  readonly host: string;
  /** Null for what is no call to OpenStack, such as a webhook. */
  readonly command: string | null;
};

const explain = (
  effect: Effect,
  host: string,
  sessionId: string,
  openstack: OpenStackCommand,
): Explained => {
  const equal = EQUALS[effect.effect.split("#")[0] ?? ""];
  const deed = { target: effect.target, openstack, host, sessionId, subject: subjectOf(effect) };
  return { ...effect, host, command: equal ? equal(deed) : null };
};

/** What the newest runs of these hosts have done to the cloud, in commands that do the same. */
export const explained = async (
  api: Api,
  values: Values,
  { session_id }: Pick<SessionDetail, "session_id">,
  hosts: readonly HostRun[],
): Promise<readonly Explained[]> => {
  const openstack = openstackFor(values.text("os-cloud"));
  const begun = hosts.filter(({ started_at }) => started_at);
  const all: Explained[] = [];
  for (const { hostname } of begun)
    for (const effect of await listEffects(api, session_id, hostname))
      all.push(explain(effect, hostname, session_id, openstack));
  return all.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
};

/** Two lines for each: the command, then when, how it ended and under which id the logs have it. */
export const explainedLines = (effects: readonly Explained[]): string[] =>
  effects.flatMap(({ at, effect, host, command, request_id, outcome, details }) => [
    clean(command ?? `# ${effect} on ${host}: no call to OpenStack`),
    clean(
      `    ${showTime(at)}  ${host}  ${outcome ?? "outcome not known yet"}  ${request_id}${details ? `  ${details}` : ""}`,
    ),
  ]);
