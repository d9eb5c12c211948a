import { proxyOf, type Settings } from "./config.ts";
import type { EgressPolicy } from "./egress.ts";

/** Where requests may go to whose address somebody else chose: nowhere of our own. */
export const egressPolicyOf = (settings: Settings): EgressPolicy => ({
  allow: settings.LULL_EGRESS_ALLOW,
  deny: [settings.LULL_PUBLIC_URL, settings.AWS_ENDPOINT_URL ?? []].flat().map(addressOf),
  proxy: proxyOf(settings),
});

/** `host:port` of a URL. */
const addressOf = (url: string): string => {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
};
