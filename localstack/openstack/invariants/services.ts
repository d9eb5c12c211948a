import { when } from "./replay.ts";
import type { Call, HostFacts, SessionStory, Story } from "./story.ts";

const SERVICE = /^\/os-services\/(?<id>[^/]+)$/;

const claims = ({ detail }: SessionStory, host: string, reason: unknown): boolean =>
  (reason === `lull:${detail.session_id}` ||
    String(reason).startsWith(`lull:${detail.session_id} `)) &&
  detail.hosts.some(({ hostname }) => hostname === host);

/**
 * Each call that changed a compute service is explained: a session that holds the host disabled it
 * under its mark, or it was put back after that. A repetition of one request changes nothing.
 */
export const unexplainedServiceCalls = (story: Story): string[] => {
  const held = new Set<string>();
  const seen = new Set<string>();
  return story.journal.flatMap((call) => {
    const host = hostOf(story, call);
    if (host === undefined) return [];
    if (call.requestId !== null && seen.has(call.requestId)) return [];
    if (call.requestId !== null) seen.add(call.requestId);
    const said = new Map<string, unknown>(Object.entries(Object(call.body)));
    const reason = said.get("disabled_reason");
    const what = `${host.name} was set to ${JSON.stringify(call.body)} at ${when(call.at)}`;
    if (said.get("status") === "disabled") {
      held.add(host.name);
      return story.sessions.some((session) => claims(session, host.name, reason))
        ? []
        : [`${what} for no session that holds it`];
    }
    const explained = said.get("status") === "enabled" && held.delete(host.name);
    return explained ? [] : [`${what} although no session had disabled it`];
  });
};

const hostOf = ({ before }: Story, { method, path }: Call): HostFacts | undefined => {
  const id = method === "PUT" ? SERVICE.exec(path)?.groups?.["id"] : undefined;
  return before.hosts.find(({ service_id }) => service_id === id);
};

/**
 * Each host ends in the service state and with the reason that it had before. A host that a
 * session left for a human is the exception that has to be told: it stays disabled under the
 * session's mark, and the session says so.
 */
export const servicesNotPutBack = (story: Story): string[] =>
  story.before.hosts.flatMap((was) => {
    const is = story.after.hosts.find(({ name }) => name === was.name);
    if (is === undefined) return [`host ${was.name} is gone`];
    const as = ({ status, disabled_reason, forced_down }: HostFacts) =>
      `${status} (${disabled_reason ?? "no reason"})${forced_down ? ", forced down" : ""}`;
    return as(was) === as(is) || isLeftForHuman(story, is)
      ? []
      : [`nova-compute on ${was.name} was ${as(was)} and is ${as(is)}`];
  });

const isLeftForHuman = ({ sessions }: Story, { name, disabled_reason }: HostFacts): boolean =>
  sessions.some(
    (session) =>
      claims(session, name, disabled_reason) &&
      session.detail.hosts.some(
        ({ hostname, outcome }) => hostname === name && outcome === "failed",
      ) &&
      session.detail.attention.some(({ host }) => host === name),
  );
