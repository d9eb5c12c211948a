import { send } from "../egress.ts";
import { silencesOfLull } from "../monitoring/alertmanager.ts";
import { listHosts } from "../monitoring/masakari.ts";
import type { Service } from "../openstack/compute/services.ts";
import { isMarked, type Look } from "./look.ts";
import type { Orphan } from "./orphan.ts";
import { shell } from "./shell.ts";

/** The caller chose its address, so it may lie in any network. */
const CALLERS_OWN = { allow: ["0.0.0.0/0", "::/0"], deny: [] };

/** Silences that Lull made and that have not expired. */
export const silencesLeft = async (url: string): Promise<Orphan[]> => {
  const silences = await silencesOfLull({ url, send: (request) => send(request, CALLERS_OWN) });
  return silences.map(({ id, comment, startsAt, endsAt }) => {
    const [, session = null, host = null] = /\[lull ([^/\]]+)\/(.+)\]$/.exec(comment) ?? [];
    return {
      kind: "silence",
      host,
      instance_id: null,
      session_id: session,
      since: startsAt,
      message: `Alertmanager is silent about ${host ?? comment} until ${endsAt}`,
      command: shell("amtool", `--alertmanager.url=${url}`, "silence", "expire", id),
      alternative: null,
    };
  });
};

/**
 * Hosts that Masakari leaves alone although they carry our mark, or are in service. Masakari keeps
 * no word about who set the flag, so a host that somebody else disabled is taken for his.
 */
export const masakariHosts = async (
  { cloud, openstack }: Look,
  services: readonly Service[],
): Promise<Orphan[]> => {
  const found: Orphan[] = [];
  for await (const { name, segment, on_maintenance } of listHosts(cloud.service("instance-ha"))) {
    const service = services.find(({ host }) => host === name);
    const marked = service !== undefined && isMarked(service);
    if (!on_maintenance || (!marked && service?.status !== "enabled")) continue;
    found.push({
      kind: "masakari_maintenance",
      host: name,
      instance_id: null,
      session_id: null,
      since: null,
      message: marked
        ? `Masakari does not heal ${name} while it is on maintenance there`
        : `Masakari does not heal ${name}, which is enabled: it is on maintenance there, nothing tells by whom`,
      command: openstack("segment", "host", "update", "--on_maintenance", "False", segment, name),
      alternative: null,
    });
  }
  return found;
};
