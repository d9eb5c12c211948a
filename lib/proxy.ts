import type { Agent, ClientRequest } from "node:http";
import { isIP, type Socket } from "node:net";
import {
  type ConnectionOptions,
  checkServerIdentity,
  type PeerCertificate,
  rootCertificates,
} from "node:tls";
import { HttpsProxyAgent } from "https-proxy-agent";
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

type TunnelOptions = {
  readonly keepAlive?: boolean;
  readonly maxSockets?: number;
  readonly openingMs?: number;
};

type Target = Parameters<HttpsProxyAgent<string>["connect"]>[1];

/** How long a proxy may take to open a tunnel, for which it connects to the target. */
const OPENING_MS = 30_000;

/**
 * The library would pass a proxy's refusal off as the target's answer, wait for ever for a proxy that says
 * nothing, and take a certificate of the proxy's own name for that of a target without a name.
 */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #openingMs: number;
  readonly #trust: Pick<ConnectionOptions, "ca">;

  constructor({ url, ca }: ProxyRules, { openingMs = OPENING_MS, ...options }: TunnelOptions) {
    super(url, options);
    this.#openingMs = openingMs;
    this.#trust = ca ? { ca: [...rootCertificates, ca] } : {};
  }

  override async connect(request: ClientRequest, options: Target): Promise<Socket> {
    const where = `tunnel to ${options.host}:${options.port}`;
    let status = 0;
    request.once("proxyConnect", ({ statusCode }: { readonly statusCode: number }) => {
      status = statusCode;
    });
    const opening = new AbortController();
    const timer = setTimeout(() => opening.abort(), this.#openingMs);
    // Read before `connect` waits for anything, so that no other tunnel gets this one's signal.
    this.connectOpts = { ...this.connectOpts, ...this.#trust, signal: opening.signal };
    try {
      const socket = await super.connect(request, provingItself(options));
      if (status === 200) return socket;
      socket.destroy();
    } catch (cause) {
      if (!opening.signal.aborted) throw cause;
      throw new Error(`proxy ${this.proxy.host} opened no ${where}`, { cause });
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`proxy ${this.proxy.host} refused a ${where} with ${status}`);
  }
}

/** Node knows of a socket that it is handed only where that leads, which is the proxy. */
const provingItself = (options: Target): Target => ({
  ...options,
  ...(options.secureEndpoint && {
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      checkServerIdentity(options.servername || options.host || "", certificate),
  }),
});

/**
 * An agent that reaches its targets through a tunnel (CONNECT, RFC 9110 section 9.3.6), http ones too:
 * so the proxy learns an address and nothing of the request, and TLS is between us and the target.
 */
export const tunnel = (rules: ProxyRules, options: TunnelOptions = {}): Agent =>
  new TunnelAgent(rules, options);
