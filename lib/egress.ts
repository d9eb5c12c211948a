import { lookup } from "node:dns/promises";
import * as http from "node:http";
import * as https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import {
  isGlobal,
  isNeverReached,
  isSelfAddress,
  isThisMachine,
  networks,
} from "./egress-networks.ts";
import { isProxied, type ProxyRules, tunnel } from "./proxy.ts";

export type EgressRequest = {
  readonly url: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For everything from the name lookup to the last byte of the answer. */
  readonly timeoutMs: number;
  /**
   * For the name lookup, and again for the connection to each address that is tried, the proxy and TLS
   * included; 5 s unless told. Who answers late may be busy; who does not so much as connect is not there.
   */
  readonly connectMs?: number;
  /** A longer answer is a failure; 1 MiB unless told. */
  readonly maxBytes?: number;
};

export type EgressResponse = {
  readonly status: number;
  /** Names in lower case; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type EgressPolicy = {
  /** CIDRs that may be reached although they are loopback, private or otherwise not global. */
  readonly allow: readonly string[];
  /**
   * "host:port" of our own listeners, never reached whatever `allow` says. Where the host is a
   * loopback or unspecified address, the port is refused on every address of this machine.
   */
  readonly deny: readonly string[];
  /** Whether plain http is refused but for addresses that `allow` opens; absent = it is not. */
  readonly secure?: boolean;
  /** Through which the checked addresses are reached; absent or null = directly. */
  readonly proxy?: ProxyRules | null;
};

const CONNECT_MS = 5_000;

type Address = { readonly address: string; readonly family: number };
type Resolve = (hostname: string) => Promise<readonly Address[]>;

/** This request must not leave, now or later. */
export class EgressRefusedError extends Error {
  override readonly name = "EgressRefusedError";
}

/** The request left, or tried to, and no whole answer came back; it may work another time. */
export class EgressFailedError extends Error {
  override readonly name = "EgressFailedError";
  /** Whether the receiver may have seen the request: false only where no connection stood. */
  readonly sent: boolean;
  /** Whether all the time that it was given went by, be it only that for a connection. */
  readonly late: boolean;

  constructor(
    message: string,
    sent: boolean,
    { late = false, ...options }: ErrorOptions & { readonly late?: boolean } = {},
  ) {
    super(message, options);
    this.sent = sent;
    this.late = late;
  }
}

/**
 * The URL as it is meant. Two parsers must never read two hosts out of one text, so every spelling
 * that a URL parser would have to tidy up is refused: octal, hexadecimal and decimal addresses,
 * percent escapes, full-width digits, missing slashes, backslashes, user names, zone ids.
 */
const parseUrl = (text: string): URL => {
  const refuse = (why: string) => new EgressRefusedError(`${JSON.stringify(text)} ${why}`);
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]+)/i.exec(text) ?? [];
  if (!scheme || !authority || /[\\\s\p{Cc}]/u.test(text) || !URL.canParse(text))
    throw refuse("is not an address such as https://receiver.example/path");
  if (!/^https?$/i.test(scheme)) throw refuse("is neither http nor https");
  if (authority.includes("@")) throw refuse("carries a user name; send credentials in a header");
  const url = new URL(text);
  const host = authority.replace(/:\d*$/, "").toLowerCase();
  if (host !== url.hostname && !host.startsWith("["))
    throw refuse(`spells its host in an unusual way; write ${url.hostname}`);
  return url;
};

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, "");

const portOf = (url: URL) => url.port || (url.protocol === "https:" ? "443" : "80");

/** Whether `deny` names this address, or this name, at this port. */
const isDenied = (policy: EgressPolicy, hostname: string, address: string, port: string) =>
  policy.deny.some((entry) => {
    const [, host = "", deniedPort] = /^(.*):(\d+)$/.exec(entry) ?? [];
    if (deniedPort !== port) return false;
    const denied = host === "localhost" ? "127.0.0.1" : bare(host);
    return (
      denied === address || denied === hostname || (isSelfAddress(denied) && isThisMachine(address))
    );
  });

/** @throws EgressRefusedError unless each address may be reached: one bad one spoils the name */
const checkAddresses = (url: URL, addresses: readonly Address[], policy: EgressPolicy): void => {
  const allowed = networks(policy.allow);
  for (const { address } of addresses) {
    const refuse = (why: string) =>
      new EgressRefusedError(`${url.origin} leads to ${address}, ${why}`);
    if (isDenied(policy, bare(url.hostname), address, portOf(url)))
      throw refuse("a port of this service itself");
    if (isNeverReached(address)) throw refuse("which is never reached from here");
    if (!isGlobal(address) && !allowed.has(address))
      throw refuse("which is not a public address; LULL_EGRESS_ALLOW can open its network");
    if (policy.secure && url.protocol === "http:" && !allowed.has(address))
      throw refuse("to which only https may be spoken; LULL_EGRESS_ALLOW can open its network");
  }
};

const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

const resolveHost = async (url: URL, resolve: Resolve): Promise<readonly Address[]> => {
  const host = bare(url.hostname);
  const family = isIP(host);
  if (family) return [{ address: host, family }];
  try {
    const addresses = await resolve(host);
    if (addresses.length > 0) return addresses;
  } catch (cause) {
    throw new EgressFailedError(`the name ${host} could not be resolved`, false, { cause });
  }
  throw new EgressFailedError(`the name ${host} has no address`, false);
};

/** Answers with what was checked, so that a second look-up can never say something else. */
const pinned =
  (addresses: readonly Address[]): LookupFunction =>
  (_hostname, options, done) => {
    const [first] = addresses;
    if (options.all) done(null, [...addresses]);
    else if (first) done(null, first.address, first.family);
  };

const readBody = async (response: http.IncomingMessage, maxBytes: number): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
};

const headersOf = (response: http.IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(response.headersDistinct).map(([name, values]) => [
      name,
      values?.join(", ") ?? "",
    ]),
  );

/**
 * How the checked addresses are reached: at once where Node tries one after the other, else one by one. A
 * proxy is asked for an address, too: given the name, it would look it up once more. What leads to this
 * machine would lead a proxy to its own.
 */
const waysTo = async (
  url: URL,
  addresses: readonly Address[],
  proxy: ProxyRules | null | undefined,
): Promise<https.RequestOptions[]> => {
  const hosts = [url.hostname, ...addresses.map(({ address }) => address)];
  if (!proxy || !hosts.every((host) => isProxied(proxy, host)))
    return [{ lookup: pinned(addresses), agent: false }];
  const agent = await tunnel(proxy);
  return addresses.map(({ address }) => ({
    agent,
    hostname: address,
    ...(isIP(bare(url.hostname)) === 0 && { servername: url.hostname }),
  }));
};

/** Rejects as soon as the signal aborts; the work itself may go on unheard. */
const within = async <T>(work: Promise<T>, signal: AbortSignal, late: () => Error): Promise<T> => {
  work.catch(() => undefined);
  return await Promise.race([
    work,
    new Promise<never>((_resolve, reject) => {
      if (signal.aborted) reject(late());
      signal.addEventListener("abort", () => reject(late()), { once: true });
    }),
  ]);
};

const exchange = async (
  url: URL,
  request: EgressRequest,
  way: https.RequestOptions,
  signal: AbortSignal,
): Promise<EgressResponse> => {
  const secure = url.protocol === "https:";
  const { timeoutMs, connectMs = CONNECT_MS } = request;
  const connecting = new AbortController();
  const timer = setTimeout(() => connecting.abort(), connectMs);
  const end = AbortSignal.any([signal, connecting.signal]);
  let sent = false;
  const stands = () => {
    sent = true;
    clearTimeout(timer);
  };
  try {
    const outgoing = (secure ? https : http).request(url, {
      method: request.method,
      headers: {
        ...request.headers,
        host: url.host,
        ...(request.body !== undefined && { "content-length": Buffer.byteLength(request.body) }),
      },
      ...way,
      signal: end,
    });
    outgoing.once("socket", (socket) => {
      // Out of a tunnel it comes connected.
      if (!socket.connecting && !secure) stands();
      socket.once(secure ? "secureConnect" : "connect", stands);
    });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      outgoing.once("response", resolve);
      outgoing.on("error", reject);
      outgoing.end(request.body);
    });
    // A request that still waits for its connection would tell of its end only when it has one.
    const response = await within(answered, end, () => new Error("late"));
    const body = await readBody(response, request.maxBytes ?? 1024 * 1024);
    return { status: response.statusCode ?? 0, headers: headersOf(response), body };
  } catch (cause) {
    const why = signal.aborted
      ? `no answer within ${timeoutMs} ms`
      : connecting.signal.aborted
        ? `no connection within ${connectMs} ms`
        : wordsOf(cause);
    throw new EgressFailedError(`${request.method} ${url.origin}: ${why}`, sent, {
      cause,
      late: end.aborted,
    });
  } finally {
    clearTimeout(timer);
  }
};

const wordsOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message || cause.name : String(cause);

/** The addresses of a URL that may be reached, found out and checked within that time. */
const checkedAddresses = async (
  url: URL,
  policy: EgressPolicy,
  { resolve, timeoutMs, signal }: { resolve: Resolve; timeoutMs: number; signal: AbortSignal },
): Promise<readonly Address[]> => {
  const late = () =>
    new EgressFailedError(`${url.hostname} was not resolved within ${timeoutMs} ms`, false, {
      late: true,
    });
  const addresses = await within(resolveHost(url, resolve), signal, late);
  checkAddresses(url, addresses, policy);
  return addresses;
};

/**
 * Whether requests may be sent to this address, as far as can be told without sending one: it is
 * looked at again each time.
 *
 * @throws EgressRefusedError when the URL or where it leads is forbidden
 * @throws EgressFailedError when its name cannot be resolved now
 */
export const check = async (
  { url: text, timeoutMs }: Pick<EgressRequest, "url" | "timeoutMs">,
  policy: EgressPolicy,
  resolve: Resolve = systemResolve,
): Promise<void> => {
  const signal = AbortSignal.timeout(timeoutMs);
  await checkedAddresses(parseUrl(text), policy, { resolve, timeoutMs, signal });
};

/**
 * Sends one HTTP request to an address that somebody else chose: resolves its name once, checks
 * every address against the policy, connects to those addresses only (TLS still checks the name)
 * and follows no redirect: a 3xx is an answer like any other.
 *
 * @param resolve the name service; the system's unless told
 * @throws EgressRefusedError when the URL or where it leads is forbidden (permanent)
 * @throws EgressFailedError when no whole answer came (transient); `sent` says whether it may have
 *         been seen
 * @throws RangeError when `policy.allow` holds something that is not a CIDR
 */
export const send = async (
  request: EgressRequest,
  policy: EgressPolicy,
  resolve: Resolve = systemResolve,
): Promise<EgressResponse> => {
  const url = parseUrl(request.url);
  const { timeoutMs, connectMs = CONNECT_MS } = request;
  const signal = AbortSignal.timeout(timeoutMs);
  const lookMs = Math.min(timeoutMs, connectMs);
  const addresses = await checkedAddresses(url, policy, {
    resolve,
    timeoutMs: lookMs,
    signal: AbortSignal.timeout(lookMs),
  });
  let failure: unknown;
  for (const way of await waysTo(url, addresses, policy.proxy))
    try {
      return await exchange(url, request, way, signal);
    } catch (error) {
      if (!(error instanceof EgressFailedError) || error.sent || signal.aborted) throw error;
      failure = error;
    }
  throw failure;
};
