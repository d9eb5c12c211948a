import { proxyOf, type Settings } from "../config.ts";
import type { HostRun } from "../domain/host-run.ts";
import { later } from "../domain/instant.ts";
import { type EgressPolicy, send } from "../egress.ts";
import { alertmanager } from "../monitoring/alertmanager.ts";
import { masakari } from "../monitoring/masakari.ts";
import type { Monitor } from "../monitoring/monitor.ts";
import type { HostContext } from "./host-step.ts";

/** A silence outlives the work it covers by this much, and ends by itself then. */
const MARGIN_MINUTES = 30;

/** The operator chose its address, so it may lie in any network. */
const operatorsOwn = (settings: Settings): EgressPolicy => ({
  allow: ["0.0.0.0/0", "::/0"],
  deny: [],
  proxy: proxyOf(settings),
});

/** The monitoring systems that the configuration names. */
export const monitorsOf = async ({
  settings,
  cloud,
}: Pick<HostContext, "settings" | "cloud">): Promise<Monitor[]> => [
  ...(settings.LULL_ALERTMANAGER_URL === null
    ? []
    : [
        alertmanager({
          url: settings.LULL_ALERTMANAGER_URL,
          hostLabel: settings.LULL_ALERTMANAGER_LABEL,
          send: (request) => send(request, operatorsOwn(settings)),
        }),
      ]),
  ...(settings.LULL_MASAKARI ? [masakari({ client: (await cloud()).service("instance-ha") })] : []),
];

export const silenceKey = ({ session_id, host }: HostRun): string => `${session_id}/${host}`;

const minutesCovered = ({ LULL_ACTION_MINUTES, LULL_VERIFY_MINUTES }: Settings): number =>
  LULL_ACTION_MINUTES + LULL_VERIFY_MINUTES + MARGIN_MINUTES;

/** Starts the silences of the host, or renews them for the next action; safe to repeat. */
export const renewSilences = async (context: HostContext, run: HostRun): Promise<void> => {
  const { now, settings, session } = context;
  const silence = {
    host: run.host,
    key: silenceKey(run),
    from: now,
    until: later(now, minutesCovered(settings) * 60),
    comment: `lull maintenance ${session.session_id} ${session.reason}`.trim(),
  };
  for (const monitor of await monitorsOf(context)) await monitor.silence(silence);
};
