import * as http from "node:http";
import * as https from "node:https";
import { rootCertificates } from "node:tls";
import { isProxied, type ProxyRules, tunnel } from "../proxy.ts";

type WireRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly timeoutMs: number;
};

export type WireReply = {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly text: string;
};

export type Transport = (request: WireRequest) => Promise<WireReply>;

/** No answer. `sent` says whether bytes of the request may have reached the service. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly sent: boolean;

  constructor(message: string, sent: boolean) {
    super(message);
    this.sent = sent;
  }
}

export type TransportOptions = {
  /** Certificate authorities to trust besides the well-known ones, PEM text. */
  readonly cacert?: string | undefined;
  /** `false` accepts any certificate. */
  readonly verify?: boolean | undefined;
  readonly proxy?: ProxyRules | null | undefined;
};

/** Idle connections that reads keep. */
const KEPT = { keepAlive: true, maxSockets: 16 };

/**
 * Plain HTTP(S) without redirects. Reads share connections; anything else gets a connection of its
 * own, because a reused one that the server has just closed leaves it unknown whether the call arrived.
 */
export const httpTransport = ({
  cacert,
  verify = true,
  proxy,
}: TransportOptions = {}): Transport => {
  const tls = {
    rejectUnauthorized: verify,
    ...(cacert !== undefined && { ca: [...rootCertificates, cacert] }),
  };
  const plain = new http.Agent(KEPT);
  const secure = new https.Agent({ ...tls, ...KEPT });
  let kept: Promise<http.Agent> | undefined;
  return async (request) => {
    const idempotent = request.method === "GET";
    if (proxy && isProxied(proxy, new URL(request.url).hostname)) {
      if (idempotent) kept ??= tunnel(proxy, KEPT);
      const agent = await (idempotent && kept ? kept : tunnel(proxy));
      const { request: open } = request.url.startsWith("https:") ? https : http;
      return exchange(request, (options) => open(request.url, { ...options, ...tls, agent }));
    }
    if (request.url.startsWith("https:"))
      return exchange(request, (options) =>
        https.request(request.url, { ...options, ...tls, agent: idempotent ? secure : false }),
      );
    return exchange(request, (options) =>
      http.request(request.url, { ...options, agent: idempotent ? plain : false }),
    );
  };
};

const exchange = (
  { method, url, headers, body, timeoutMs }: WireRequest,
  open: (options: http.RequestOptions) => http.ClientRequest,
): Promise<WireReply> =>
  new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
    const request = open({ method, headers: { ...headers, ...length } });
    const timer = setTimeout(
      () => {
        const late = new Error(`no answer within ${timeoutMs} ms`);
        // One that still waits for its connection would tell of its end only when it has one.
        fail(late);
        request.destroy(late);
      },
      Math.max(0, timeoutMs),
    );
    const secure = url.startsWith("https:");
    let sent = false;
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(new ConnectionError(describe(error), sent));
    };
    request.on("error", fail);
    request.once("socket", (socket) => {
      // What comes connected, reused or out of a tunnel, tells no more when it is; TLS to the service is new.
      if (!socket.connecting && (request.reusedSocket || !secure)) sent = true;
      else
        socket.once(secure ? "secureConnect" : "connect", () => {
          sent = true;
        });
    });
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", fail);
      response.once("aborted", () => fail(new Error("the answer broke off")));
      response.once("end", () => {
        clearTimeout(timer);
        resolve({
          status: response.statusCode ?? 0,
          header: (name) => {
            const value = response.headers[name.toLowerCase()];
            return Array.isArray(value) ? value.join(", ") : value;
          },
          text: Buffer.concat(chunks).toString("utf8"),
        });
      });
    });
    request.end(body);
  });

/** Node's connection errors may come as a bundle of one per address, with an empty message. */
const describe = (error: Error): string =>
  error instanceof AggregateError
    ? error.errors.map((one) => (one instanceof Error ? one.message : String(one))).join("; ")
    : error.message;
