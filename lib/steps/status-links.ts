import type { Settings } from "../config.ts";
import { projectStatusUrl } from "../domain/events/maintenance-scheduled.ts";
import type { Intent, Move } from "../domain/move.ts";
import {
  isLinkSettled,
  linkEffect,
  linkedIn,
  STATUS_KEY,
  unlinkEffect,
  unsettledLinks,
} from "../domain/status-link.ts";
import { logger } from "../lambda/logger.ts";
import { hostIdOf } from "../openstack/compute/host-id.ts";
import { deleteMetadataItem, setMetadataItem } from "../openstack/compute/server-metadata.ts";
import { findServer, type Server } from "../openstack/compute/servers.ts";
import { isNotFound, OpenStackError, TransientOpenStackError } from "../openstack/errors.ts";
import { chunked } from "../store/batch-get.ts";
import { beginEffect, onHost } from "./effect.ts";
import type { HostContext } from "./host-step.ts";

/** How often Nova may refuse to take a link away while its host is emptied, and in all. */
const WHEN_IT_LEFT = 1;
const AT_THE_END = 2;

/** Links worked in one round, and of these at once: a round has 60 s, and more to do than this. */
const IN_A_ROUND = 40;
const AT_ONCE = 8;

type Linking = Pick<HostContext, "cloud" | "intents" | "now" | "ref"> & {
  readonly session: Pick<HostContext["session"], "session_id">;
  readonly run: Pick<HostContext["run"], "host">;
  readonly settings: Pick<Settings, "LULL_PUBLIC_URL" | "LULL_STATUS_IN_METADATA">;
};

/** One effect on the metadata of one instance. */
type Link = {
  readonly effect: string;
  readonly instanceId: string;
  readonly call: (requestId: string) => Promise<void>;
};

/**
 * Writes the status link into the metadata of the servers whose owners this run has asked or told,
 * where the operator wants that. Safe to repeat. What Nova refuses is noted with the effect and
 * logged; what it cannot say now is tried again in a later round. The maintenance goes on either way.
 *
 * @param moves of these servers, as they are after they were asked about
 * @returns whether some were not tried yet, as one round does only so many
 */
export const writeStatusLinks = async (
  context: Linking,
  servers: readonly Server[],
  moves: readonly Move[],
  made: readonly Intent[],
): Promise<boolean> => {
  if (!context.settings.LULL_STATUS_IN_METADATA) return false;
  const told = new Set(
    moves.flatMap(({ asked_by, instance_id }) =>
      asked_by === context.ref.run_id ? [instance_id] : [],
    ),
  );
  const due = servers.filter(({ id }) => told.has(id) && !isLinkSettled(made, id));
  const links = due.map((server) => writing(context, server)).toSorted(newOnesFirst(made));
  const count = await workThrough(context, links.slice(0, IN_A_ROUND));
  return links.slice(count).some(isNewTo(made));
};

/**
 * Takes the links of this run away from the instances that it no longer concerns, as many as one
 * round does. One that is not this run's any more stays: another host's run, or its owner, has
 * written it.
 *
 * @param isOver whether the instance is no longer concerned
 */
export const removeStatusLinks = async (
  context: Linking,
  made: readonly Intent[],
  isOver: (instanceId: string) => boolean,
): Promise<void> => {
  const links = removals(context, made, isOver, WHEN_IT_LEFT);
  await workThrough(context, links.slice(0, IN_A_ROUND));
};

/** The same at the end of the run, for all there are; nothing is left unsettled. */
export const endStatusLinks = async (context: Linking, made: readonly Intent[]): Promise<void> => {
  const { intents, ref, now } = context;
  if (linkedIn(made).length === 0) return;
  await workThrough(
    context,
    removals(context, made, () => true, AT_THE_END),
  );
  for (const effect of unsettledLinks(await intents.list(ref.run_id)))
    await intents.finish(ref, endingOf(effect), "failed", now, "nobody heard how it ended");
};

const writing = (context: Linking, { id, project_id }: Server): Link => ({
  effect: linkEffect(id),
  instanceId: id,
  call: async (requestId) => {
    const { compute } = await context.cloud();
    await setMetadataItem(compute, id, STATUS_KEY, linkTo(context, project_id), { requestId });
  },
});

const removals = (
  context: Linking,
  made: readonly Intent[],
  isOver: (instanceId: string) => boolean,
  tries: number,
): Link[] =>
  linkedIn(made)
    .filter(isOver)
    .flatMap((id) => {
      const effect = unlinkEffect(made, id, tries);
      return effect === null ? [] : [removal(context, id, effect)];
    })
    .toSorted(newOnesFirst(made));

const removal = (context: Linking, id: string, effect: string): Link => ({
  effect,
  instanceId: id,
  call: async (requestId) => {
    const { compute } = await context.cloud();
    const server = await findServer(compute, id);
    if (server === null || hasOther(server, linkTo(context, server.project_id))) return;
    await deleteMetadataItem(compute, id, STATUS_KEY, { requestId });
  },
});

/** Nova does not tell the metadata of a server while its cell is down: it may be ours. */
const hasOther = ({ partial, metadata }: Server, url: string): boolean =>
  !partial && metadata[STATUS_KEY] !== url;

/** The `status_url` of the events about instances on the host. */
const linkTo = ({ run, settings }: Linking, projectId: string | null): string =>
  projectStatusUrl(settings.LULL_PUBLIC_URL, hostIdOf(projectId ?? "", run.host));

const isNewTo =
  (made: readonly Intent[]) =>
  ({ effect }: Link): boolean =>
    !made.some((one) => one.effect === effect);

/** One that fails again and again must not keep the others from their turn. */
const newOnesFirst = (made: readonly Intent[]) => {
  const isNew = isNewTo(made);
  return (a: Link, b: Link): number => Number(isNew(b)) - Number(isNew(a));
};

/**
 * Works links a few at a time, and stops after those among which one got no answer: the next might
 * take as long again.
 *
 * @returns how many it has worked
 * @throws FrozenError, SupersededError
 */
const workThrough = async (context: Linking, links: readonly Link[]): Promise<number> => {
  let count = 0;
  for (const chunk of chunked(links, AT_ONCE)) {
    const begun: { link: Link; requestId: string }[] = [];
    for (const link of chunk) begun.push({ link, requestId: await begin(context, link) });
    const ends = await Promise.allSettled(begun.map(({ link, requestId }) => link.call(requestId)));
    for (const [n, { effect }] of chunk.entries()) await settle(context, effect, ends[n]);
    count += chunk.length;
    if (ends.some(hadNoAnswer)) break;
  }
  return count;
};

const begin = (context: Linking, { effect, instanceId }: Link): Promise<string> =>
  beginEffect(context, { ...onHost(effect, context.now), instance_id: instanceId });

type End = PromiseSettledResult<void> | undefined;

const hadNoAnswer = (end: End): boolean =>
  end?.status === "rejected" &&
  end.reason instanceof TransientOpenStackError &&
  end.reason.status === null;

/** Notes how a link ended. One of which nobody knows stays open: no link is worth a host's standstill. */
const settle = async ({ intents, ref, now }: Linking, effect: string, end: End): Promise<void> => {
  if (end?.status !== "rejected") return intents.finish(ref, endingOf(effect), "done", now);
  const error: unknown = end.reason;
  logger.warn("status link", { ...ref, effect, error });
  if (!isRefusal(error)) return;
  const outcome = isNotFound(error) ? "gone" : "refused";
  await intents.finish(ref, endingOf(effect), outcome, now, error.message);
};

const endingOf = (effect: string) => ({ effect, target_device_id: null, groups: [] });

const UNAUTHORIZED = 401;

/** Whether that is what Nova says about this one server. */
const isRefusal = (error: unknown): error is OpenStackError =>
  error instanceof OpenStackError && error.status !== UNAUTHORIZED;
