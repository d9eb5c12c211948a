import { projectStatusUrl } from "../domain/events/maintenance-scheduled.ts";
import type { Intent, Move } from "../domain/move.ts";
import {
  isLinkSettled,
  linkEffect,
  linkedIn,
  STATUS_KEY,
  unlinkEffect,
} from "../domain/status-link.ts";
import { logger } from "../lambda/logger.ts";
import { hostIdOf } from "../openstack/compute/host-id.ts";
import { deleteMetadataItem, setMetadataItem } from "../openstack/compute/server-metadata.ts";
import { findServer, type Server } from "../openstack/compute/servers.ts";
import { isNotFound, OpenStackError } from "../openstack/errors.ts";
import { beginEffect, onHost } from "./effect.ts";
import type { HostContext } from "./host-step.ts";

/** How often Nova may refuse to take a link away while its host is emptied, and in all. */
export const WHEN_IT_LEFT = 1;
export const AT_THE_END = 2;

type Linking = Pick<
  HostContext,
  "cloud" | "intents" | "now" | "ref" | "run" | "session" | "settings"
>;

/**
 * Writes the status link into the metadata of the servers whose owners this run has asked or told,
 * where the operator wants that. Safe to repeat. Nova may refuse: that is noted with the effect and
 * logged, and the maintenance goes on without the link.
 *
 * @param moves of these servers, as they are after they were asked about
 */
export const writeStatusLinks = async (
  context: Linking,
  servers: readonly Server[],
  moves: readonly Move[],
  made: readonly Intent[],
): Promise<void> => {
  if (!context.settings.LULL_STATUS_IN_METADATA) return;
  const told = new Set(
    moves.flatMap(({ asked_by, instance_id }) =>
      asked_by === context.ref.run_id ? [instance_id] : [],
    ),
  );
  for (const { id, project_id } of servers) {
    if (!told.has(id) || isLinkSettled(made, id)) continue;
    const url = linkTo(context, project_id);
    await attempt(context, linkEffect(id), id, async (requestId) =>
      setMetadataItem((await context.cloud()).compute, id, STATUS_KEY, url, { requestId }),
    );
  }
};

/**
 * Takes the links of this run away from the instances that it no longer concerns. One that is not
 * this run's any more stays: another host's run, or its owner, has written it.
 *
 * @param isOver whether the instance is no longer concerned
 * @param tries how often Nova may refuse: {@link WHEN_IT_LEFT} or {@link AT_THE_END}
 */
export const removeStatusLinks = async (
  context: Linking,
  made: readonly Intent[],
  isOver: (instanceId: string) => boolean,
  tries: number,
): Promise<void> => {
  for (const id of linkedIn(made).filter(isOver)) {
    const effect = unlinkEffect(made, id, tries);
    if (effect === null) continue;
    await attempt(context, effect, id, async (requestId) => {
      const { compute } = await context.cloud();
      const server = await findServer(compute, id);
      if (server === null || hasOther(server, linkTo(context, server.project_id))) return;
      await deleteMetadataItem(compute, id, STATUS_KEY, { requestId });
    });
  }
};

/** Nova does not tell the metadata of a server while its cell is down: it may be ours. */
const hasOther = ({ partial, metadata }: Server, url: string): boolean =>
  !partial && metadata[STATUS_KEY] !== url;

/** The `status_url` of the events about instances on the host. */
const linkTo = ({ run, settings }: Linking, projectId: string | null): string =>
  projectStatusUrl(settings.LULL_PUBLIC_URL, hostIdOf(projectId ?? "", run.host));

const attempt = async (
  context: Linking,
  effect: string,
  instanceId: string,
  call: (requestId: string) => Promise<void>,
): Promise<void> => {
  const { intents, ref, now } = context;
  const ending = { effect, target_device_id: null, groups: [] };
  const intent = { ...onHost(effect, now), instance_id: instanceId };
  const requestId = await beginEffect(context, intent);
  const refusal = await call(requestId).then(() => null, refusalIn);
  if (refusal === null) return intents.finish(ref, ending, "done", now);
  logger.warn("status link", { ...ref, effect, error: refusal });
  await intents.finish(ref, ending, isNotFound(refusal) ? "gone" : "refused", now, refusal.message);
};

const UNAUTHORIZED = 401;

/** What Nova says about this one server. @throws what says nothing about it */
const refusalIn = (error: unknown): OpenStackError => {
  if (error instanceof OpenStackError && error.status !== UNAUTHORIZED) return error;
  throw error;
};
