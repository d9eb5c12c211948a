import { randomUUID } from "node:crypto";
import type { Settings } from "../config.ts";
import { objectionsTo } from "../domain/admission.ts";
import type { Device } from "../domain/device.ts";
import { BlockedError, InvalidError } from "../domain/errors.ts";
import { type NewSession, openSession, type Session } from "../domain/session.ts";
import type { HostStore } from "../store/hosts.ts";

/** A request for a session, and who makes it when. */
type Asked = { readonly body: NewSession; readonly by: string; readonly now: string };

/**
 * The session that was asked for, not yet stored. Nothing is asked of the cloud: pre-flight is the
 * session's first step.
 *
 * @throws BlockedError when the inventory knows that the session could not be carried out
 */
export const admit =
  (settings: Settings, hosts: HostStore) =>
  async ({ body, by, now }: Asked): Promise<Session> => {
    const region = settings.LULL_REGION;
    const asked = body.hosts.length > 0 ? body.hosts : await everyHost(settings, hosts);
    const wanted = { ...body, hosts: asked };
    const devices = await hosts.findByNames(region, [...asked, ...body.targets]);
    const objections = objectionsTo(wanted, devices, {
      now,
      actionMinutes: settings.LULL_ACTION_MINUTES,
      noticeMinutes: settings.LULL_MIN_NOTICE_MINUTES,
      maxHosts: settings.LULL_MAX_HOSTS,
      maxZonePercent: settings.LULL_MAX_ZONE_PERCENT,
      hostsInZone: await zoneSizes(settings, hosts),
    });
    if (objections.length > 0)
      throw new BlockedError("this session could not be carried out", objections);
    const sessionId = randomUUID();
    return openSession(wanted, { sessionId, cloud: settings.LULL_CLOUD, region, by, now });
  };

/**
 * An empty list of hosts means the whole cloud to Fenix, and an empty result to a script: it has
 * to be allowed by the operator.
 */
const everyHost = async (settings: Settings, hosts: HostStore): Promise<string[]> => {
  if (settings.LULL_ALLOW_ALL_HOSTS)
    return (await knownHosts(settings, hosts)).map(({ name }) => name);
  throw new InvalidError("name the hosts to maintain", [
    {
      path: "hosts",
      code: "hosts_empty",
      message: "an empty list would mean every host; LULL_ALLOW_ALL_HOSTS allows that",
    },
  ]);
};

const knownHosts = async (settings: Settings, hosts: HostStore): Promise<Device[]> =>
  [...(await hosts.byName(settings.LULL_REGION)).values()].filter(({ gone }) => !gone);

/** How many hosts each zone has; not looked up where any share of them may be taken. */
const zoneSizes = async (
  settings: Settings,
  hosts: HostStore,
): Promise<ReadonlyMap<string, number>> => {
  const sizes = new Map<string, number>();
  if (settings.LULL_MAX_ZONE_PERCENT === 100) return sizes;
  for (const { zone } of await knownHosts(settings, hosts))
    sizes.set(zone, (sizes.get(zone) ?? 0) + 1);
  return sizes;
};
