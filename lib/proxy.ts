import type { Agent } from "node:http";
import { isIP } from "node:net";
import { networks } from "./egress-networks.ts";

/** Through what outgoing HTTP has to go, and what it must not go through. */
export type ProxyRules = {
  /** `http://proxy.example:3128` */
  readonly url: string;
  /** Names, which stand for all below them too, addresses, and networks such as 10.0.0.0/8. */
  readonly except: readonly string[];
  /** Certificate authorities to trust for a proxy of https besides the well-known ones, PEM text. */
  readonly ca?: string | undefined;
};

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);

const covers = (entry: string, host: string): boolean => {
  if (entry.includes("/")) return networks([entry]).has(host);
  const name = entry.replace(/^\*?\./, "").toLowerCase();
  return host === name || (!isIP(host) && host.endsWith(`.${name}`));
};

/** Whether a request to this host goes through the proxy; one to this machine itself never does. */
export const isProxied = ({ except }: ProxyRules, hostname: string): boolean => {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return !isLoopback(host) && !except.some((entry) => covers(entry, host));
};

export type TunnelOptions = {
  readonly keepAlive?: boolean;
  readonly maxSockets?: number;
  readonly openingMs?: number;
};

/** An agent that reaches its targets through the proxy; loaded only where there is one, for it takes its time. */
export const tunnel = async (rules: ProxyRules, options: TunnelOptions = {}): Promise<Agent> => {
  const { TunnelAgent } = await import("./tunnel-agent.ts");
  return new TunnelAgent(rules, options);
};
