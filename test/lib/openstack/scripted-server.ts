import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { ServiceClient } from "../../../lib/openstack/http.ts";
import { httpTransport } from "../../../lib/openstack/transport.ts";

export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
};

export type Scripted =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | "reset"
  | "silence";

/** A service that answers as `script` says and remembers what it was asked; it ends with the test. */
export const scriptedServer = async (script: (asked: Asked, times: number) => Scripted) => {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const one = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: text ? JSON.parse(text) : undefined,
      };
      asked.push(one);
      const answer = script(one, asked.length);
      if (answer === "silence") return;
      if (answer === "reset") {
        request.socket.resetAndDestroy();
        return;
      }
      const { status, body, headers } = answer;
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(typeof body === "string" || body === undefined ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  onTestFinished(async () => {
    await close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked, close };
};

/** A client of a service without Keystone: tokens "token-1", "token-2" ... as they are refused. */
export const clientOf = (url: string, timeoutMs = 5_000): ServiceClient => {
  let made = 1;
  return {
    service: "compute",
    transport: httpTransport(),
    endpoint: async () => url,
    token: async (refused) => {
      if (refused === `token-${made}`) made += 1;
      return `token-${made}`;
    },
    microversion: async (atMost) => `compute ${atMost ?? "2.93"}`,
    timeoutMs,
  };
};
