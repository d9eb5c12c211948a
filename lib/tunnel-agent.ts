import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { HttpsProxyAgent } from "https-proxy-agent";

/**
 * Reaches targets through a tunnel (CONNECT, RFC 9110 section 9.3.6), http ones too: so the proxy learns
 * an address and nothing of the request, and TLS is between us and the target.
 *
 * A tunnel that the proxy refuses is a failed connection: the library would pass its answer off as the
 * target's.
 */
export class TunnelAgent extends HttpsProxyAgent<string> {
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
