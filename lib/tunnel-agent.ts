import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import {
  type ConnectionOptions,
  checkServerIdentity,
  type PeerCertificate,
  rootCertificates,
} from "node:tls";
import { HttpsProxyAgent } from "https-proxy-agent";
import type { ProxyRules, TunnelOptions } from "./proxy.ts";

type Target = Parameters<HttpsProxyAgent<string>["connect"]>[1];

/** How long a proxy may take to open a tunnel, for which it connects to the target. */
const OPENING_MS = 30_000;

/**
 * Reaches targets through a tunnel (CONNECT, RFC 9110 section 9.3.6), http ones too: so the proxy learns
 * an address and nothing of the request, and TLS is between us and the target.
 *
 * The library would pass a proxy's refusal off as the target's answer, wait for ever for a proxy that says
 * nothing, and take a certificate of the proxy's own name for that of a target without a name.
 */
export class TunnelAgent extends HttpsProxyAgent<string> {
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
