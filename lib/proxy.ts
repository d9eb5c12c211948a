import type { Agent, ClientRequest } from "node:http";
import { isIP, type Socket } from "node:net";
import { HttpsProxyAgent } from "https-proxy-agent";
import { networks } from "./egress-networks.ts";

/** Through what outgoing HTTP has to go, and what it must not go through. */
export type ProxyRules = {
  /** `http://proxy.example:3128` */
  readonly url: string;
  /** Names, which stand for all below them too, addresses, and networks such as 10.0.0.0/8. */
  readonly except: readonly string[];
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

/** A tunnel that the proxy refuses is a failed connection: the library would pass its answer off as the target's. */
class TunnelAgent extends HttpsProxyAgent<string> {
  override async connect(
    request: ClientRequest,
    options: Parameters<HttpsProxyAgent<string>["connect"]>[1],
  ): Promise<Socket> {
    let status = 0;
    request.once("proxyConnect", ({ statusCode }: { readonly statusCode: number }) => {
      status = statusCode;
    });
    const socket = await super.connect(request, options);
    if (status === 200) return socket;
    socket.destroy();
    throw new Error(
      `proxy ${this.proxy.host} refused a tunnel to ${options.host}:${options.port} with ${status}`,
    );
  }
}

/**
 * An agent that reaches its targets through a tunnel (CONNECT, RFC 9110 section 9.3.6), http ones too:
 * so the proxy learns an address and nothing of the request, and TLS is between us and the target.
 */
export const tunnel = (
  { url }: ProxyRules,
  options: { readonly keepAlive?: boolean; readonly maxSockets?: number } = {},
): Agent => new TunnelAgent(url, options);
