import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import type { Clock } from "../../localstack/clock.ts";
import { isAlive, type Party, parties } from "./parties.ts";

/** One request as it arrives at its server. */
export type Hop = {
  readonly from: Party | undefined;
  readonly method: string;
  /** host:port */
  readonly address: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/**
 * What becomes of a request: it passes; it or its answer is lost with the connection; or who sent
 * it dies, before the server has it or before the answer is there.
 */
export type Fate = "pass" | "reset_before" | "reset_after" | "kill_before" | "kill_after";

type Listener = (request: unknown, response: unknown) => void;
type Server = { readonly owner: Party | undefined; readonly listener: Listener };
type Exchange = { readonly to: Server; readonly outgoing: Outgoing };

export type Network = ReturnType<typeof openNetwork>;

const reset = (code: "ECONNRESET" | "ECONNREFUSED") =>
  Object.assign(new Error(code === "ECONNRESET" ? "socket hang up" : `connect ${code}`), { code });

class FakeSocket extends EventEmitter {
  readonly connecting: boolean = false;
  readonly remoteAddress = "127.0.0.1";
  setTimeout(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  end(): void {
    this.emit("end");
  }
  destroy(): void {
    this.emit("close");
  }
}

/** A client's request: as much of http.ClientRequest as the SDK, lib/openstack and lib/egress use. */
class Outgoing extends EventEmitter {
  readonly reusedSocket: boolean = false;
  readonly socket = new FakeSocket();
  destroyed = false;
  readonly #chunks: Buffer[] = [];
  readonly #sent: (body: Buffer) => void;
  readonly #inContext = AsyncLocalStorage.snapshot();

  constructor(sent: (body: Buffer) => void) {
    super();
    this.#sent = sent;
    process.nextTick(() => this.emit("socket", this.socket));
  }
  setTimeout(): this {
    return this;
  }
  write(chunk: string | Uint8Array): boolean {
    this.#chunks.push(Buffer.from(chunk));
    return true;
  }
  end(chunk?: string | Uint8Array): this {
    if (chunk !== undefined) this.write(chunk);
    this.#sent(Buffer.concat(this.#chunks));
    return this;
  }
  destroy(error: Error = reset("ECONNRESET")): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    process.nextTick(() => {
      this.emit("error", error);
      this.emit("close");
    });
    return this;
  }
  connected(): void {
    if (!this.destroyed) this.#inContext(() => this.socket.emit("connect"));
  }
  failed(error: Error): void {
    this.#inContext(() => this.destroy(error));
  }
  answered(status: number, headers: Record<string, string>, body: Buffer): void {
    if (this.destroyed) return;
    this.#inContext(() => {
      const response = Object.assign(Readable.from(body.length > 0 ? [body] : []), {
        statusCode: status,
        statusMessage: "",
        headers,
        headersDistinct: Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, [v]])),
        complete: true,
      });
      response.once("close", () => this.emit("close"));
      this.emit("response", response);
    });
  }
}

/** A server's answer: as much of http.ServerResponse as the embedded stack and the cloud use. */
class Answer extends EventEmitter {
  headersSent = false;
  #status = 200;
  readonly #headers: Record<string, string> = {};
  readonly #done: (status: number, headers: Record<string, string>, body: Buffer) => void;
  readonly #broken: () => void;
  readonly socket: { resetAndDestroy: () => void };

  constructor(
    done: (status: number, headers: Record<string, string>, body: Buffer) => void,
    broken: () => void,
  ) {
    super();
    this.#done = done;
    this.#broken = broken;
    this.socket = { resetAndDestroy: () => this.destroy() };
  }
  writeHead(status: number, headers: Record<string, unknown> = {}): this {
    this.headersSent = true;
    this.#status = status;
    for (const [name, value] of Object.entries(headers))
      this.#headers[name.toLowerCase()] = String(value);
    return this;
  }
  end(body: string | Uint8Array = ""): void {
    this.#done(this.#status, this.#headers, Buffer.from(body));
    this.emit("finish");
    this.emit("close");
  }
  destroy(): void {
    this.#broken();
    this.emit("close");
  }
}

type RequestOptions = {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly hostname?: string;
  readonly port?: number | string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
};

const lowerCased = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );

/**
 * HTTP without sockets: every request and every answer takes some time of the clock, drawn by
 * `latency`, so that chance decides in which order what is under way arrives.
 *
 * @param onArrival told of each request that reached its server, in order
 */
export const openNetwork = ({
  clock,
  latency,
  onArrival,
}: {
  clock: Clock;
  latency: () => number;
  onArrival: (hop: Hop) => void;
}) => {
  const servers = new Map<string, Server>();
  const open = new Set<Exchange>();
  let nextPort = 20_000;
  let fateOf: (hop: Hop) => Fate = () => "pass";
  let bury: (party: Party, how: Fate) => void = () => undefined;

  const soon = (act: () => void) => void clock.at(clock.now() + latency(), act);

  const serve = (server: Server, hop: Hop, outgoing: Outgoing, fate: Fate) => {
    const exchange = { to: server, outgoing };
    open.add(exchange);
    const isHeard = () => open.delete(exchange) && isAlive(hop.from);
    const answer = new Answer(
      (status, headers, body) => {
        if (fate === "kill_after" && hop.from) bury(hop.from, fate);
        soon(() => {
          if (!isHeard()) return;
          if (fate === "reset_after") outgoing.failed(reset("ECONNRESET"));
          else outgoing.answered(status, headers, body);
        });
      },
      () => soon(() => isHeard() && outgoing.failed(reset("ECONNRESET"))),
    );
    const incoming = Object.assign(Readable.from(hop.body.length > 0 ? [hop.body] : []), {
      method: hop.method,
      url: hop.path,
      headers: hop.headers,
      httpVersion: "1.1",
      socket: new FakeSocket(),
    });
    if (server.owner) parties.run(server.owner, () => server.listener(incoming, answer));
    else server.listener(incoming, answer);
  };

  const arrive = (hop: Hop, outgoing: Outgoing) => {
    if (!isAlive(hop.from) || outgoing.destroyed) return;
    const server = servers.get(hop.address);
    if (!server || !isAlive(server.owner))
      return soon(() => isAlive(hop.from) && outgoing.failed(reset("ECONNREFUSED")));
    const fate = fateOf(hop);
    if (fate === "kill_before" && hop.from) return bury(hop.from, fate);
    outgoing.connected();
    if (fate === "reset_before")
      return soon(() => isAlive(hop.from) && outgoing.failed(reset("ECONNRESET")));
    onArrival(hop);
    serve(server, hop, outgoing, fate);
  };

  const request = (
    first: string | URL | RequestOptions,
    second?: RequestOptions | ((response: unknown) => void),
    third?: (response: unknown) => void,
  ) => {
    const url = typeof first === "string" || first instanceof URL ? new URL(first) : undefined;
    const options: RequestOptions = {
      ...(!(first instanceof URL) && typeof first === "object" && first),
      ...(typeof second === "object" && second),
    };
    const callback = typeof second === "function" ? second : third;
    const address = url ? url.host : `${options.hostname ?? options.host}:${options.port}`;
    const from = parties.getStore();
    const outgoing = new Outgoing((body) => {
      const hop: Hop = {
        from,
        method: options.method ?? "GET",
        address,
        path: url ? url.pathname + url.search : (options.path ?? "/"),
        headers: { host: address, ...lowerCased(options.headers ?? {}) },
        body,
      };
      soon(() => arrive(hop, outgoing));
    });
    if (callback) outgoing.once("response", callback);
    options.signal?.addEventListener("abort", () => outgoing.destroy(new Error("aborted")));
    return outgoing;
  };

  const createServer = (first: unknown, second?: unknown) => {
    const listener = [first, second].find((one): one is Listener => typeof one === "function");
    if (!listener) throw new Error("a server without a listener");
    const owner = parties.getStore();
    let address = { address: "127.0.0.1", family: "IPv4", port: 0 };
    const key = () => `127.0.0.1:${address.port}`;
    const server = Object.assign(new EventEmitter(), {
      listen: (port: number, _host: string, done: () => void) => {
        nextPort += 1;
        address = { ...address, port: port === 0 ? nextPort : port };
        servers.set(key(), { owner, listener });
        process.nextTick(done);
        return server;
      },
      address: () => address,
      close: (done?: () => void) => {
        servers.delete(key());
        if (done) process.nextTick(done);
      },
      closeIdleConnections: () => undefined,
      closeAllConnections: () => undefined,
    });
    return server;
  };

  return {
    http: { request, createServer },
    /** Decides what becomes of requests from now on. */
    decide: (decision: (hop: Hop) => Fate) => {
      fateOf = decision;
    },
    /** Told who dies of a request's fate; marks it dead. */
    onDeath: (listener: (party: Party, how: Fate) => void) => {
      bury = listener;
    },
    /** Breaks the connections to servers whose owner has died. */
    hangUp: () => {
      for (const exchange of open) {
        if (isAlive(exchange.to.owner)) continue;
        open.delete(exchange);
        soon(() => exchange.outgoing.failed(reset("ECONNRESET")));
      }
    },
  };
};
