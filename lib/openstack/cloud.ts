import * as z from "zod";
import { endpointOf, findEndpoint, isListed, type Whereabouts } from "./catalog.ts";
import { InvalidTokenError, MicroversionError } from "./errors.ts";
import type { ServiceClient } from "./http.ts";
import { authenticate, type Catalog, credentialsShape } from "./identity/authenticate.ts";
import { type Session, tokenKeeper } from "./identity/session.ts";
import type { TokenOwner } from "./identity/token-body.ts";
import { catalogOf, type Keystone } from "./identity/tokens.ts";
import { compareMicroversions, newestMicroversion, olderMicroversion } from "./microversion.ts";
import { httpTransport, type Transport } from "./transport.ts";

/** "publicURL" and "public" name the same interface. */
const interfaceSchema = z
  .string()
  .transform((name) => name.replace(/URL$/, ""))
  .pipe(z.enum(["public", "internal", "admin"]));

/**
 * How to reach one region of one cloud and as whom: plain JSON that can be kept as a secret. The names
 * are those of clouds.yaml, flattened; `cacert` is the certificate itself (PEM), not its path.
 */
export const cloudConfigSchema = z
  .strictObject({
    ...credentialsShape,
    region_name: z.string().min(1).optional(),
    interface: interfaceSchema.default("public"),
    cacert: z.string().includes("-----BEGIN CERTIFICATE-----").optional(),
    verify: z.boolean().default(true),
  })
  .check(
    z.refine(
      (config) =>
        config.application_credential_id !== undefined
          ? config.application_credential_secret !== undefined
          : (config.username ?? config.user_id) !== undefined && config.password !== undefined,
      "needs application_credential_id and application_credential_secret, or username (or user_id) and password",
    ),
    z.refine(
      (config) =>
        config.application_credential_id !== undefined ||
        [config.project_name ?? config.project_id, config.system_scope].filter(Boolean).length ===
          1,
      "needs one scope: project_name (or project_id), or system_scope",
    ),
  );

export type CloudConfig = z.infer<typeof cloudConfigSchema>;

/** One region of one cloud, seen by one user. */
export type Cloud = {
  readonly compute: ServiceClient;
  readonly placement: ServiceClient;
  readonly network: ServiceClient;
  readonly identity: ServiceClient;
  /** Any other service by its type in the catalog ("alarming", "instance-ha" ...), without microversions. */
  readonly service: (type: string) => ServiceClient;
  /** Whether the catalog lists the service: not every cloud has, say, "block-storage". */
  readonly has: (type: string) => Promise<boolean>;
  /** The URL that the catalog has for a service in this region, undefined when it has none. */
  readonly addressOf: (type: string) => Promise<string | undefined>;
  /** For whom this cloud is opened, with which roles, and until when the token is good. */
  readonly whoami: () => Promise<TokenOwner>;
  readonly token: () => Promise<string>;
};

type Pin = {
  /** The newest microversion this library was written for. */
  readonly wanted: string;
  /** The oldest it can work with. */
  readonly minimum: string;
};

/**
 * Nova: the newest things read are `pinned_availability_zone` (2.96), which says that a server cannot
 * leave its zone, and the properties of its image (2.98), which say what ties it to its host. Without 2.73 (`locked_reason`; 2.69 rows of a down cell, 2.71 server groups of a
 * server) a host cannot be judged at all. Placement: the root provider in candidates (1.29), so that
 * nested inventories are counted with their host.
 */
const PINS: Readonly<Record<string, Pin>> = {
  compute: { wanted: "2.98", minimum: "2.73" },
  placement: { wanted: "1.29", minimum: "1.29" },
};

/** Where the versioned root of an API is, when the catalog's URL stops short of it or goes beyond. */
const BASES: Readonly<Record<string, (url: string) => string>> = {
  network: (url) => (/\/v2\.0$/.test(url) ? url : `${url}/v2.0`),
  identity: (url) => (/\/v3$/.test(url) ? url : `${url}/v3`),
  alarming: (url) => (/\/v2$/.test(url) ? url : `${url}/v2`),
  compute: (url) => url.replace(/(\/v2(?:\.1)?)\/.*$/, "$1"),
};

/** Shorter than Lambda's limit and than the takeover of a silent run. */
const TIMEOUT_MS = 20_000;

export type CloudOptions = {
  readonly timeoutMs?: number;
  readonly transport?: Transport;
};

/** Opens nothing yet: token, catalog and versions are fetched when first needed, once, and shared. */
export const openCloud = (config: CloudConfig, options: CloudOptions = {}): Cloud => {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const transport =
    options.transport ?? httpTransport({ cacert: config.cacert, verify: config.verify });
  const session = tokenKeeper(() => authenticate(config, transport, timeoutMs));
  const clients = new Map<string, ServiceClient>();
  const service = (type: string): ServiceClient => {
    const known = clients.get(type);
    if (known) return known;
    const client = openService(type, { config, transport, session, timeoutMs });
    clients.set(type, client);
    return client;
  };
  return {
    compute: service("compute"),
    placement: service("placement"),
    network: service("network"),
    identity: service("identity"),
    service,
    has: async (type) => isListed((await session()).catalog, type),
    addressOf: async (type) => findEndpoint((await session()).catalog, type, config),
    whoami: async () => (await session()).owner,
    token: async () => (await session()).token,
  };
};

type Opening = {
  readonly config: CloudConfig;
  readonly transport: Transport;
  readonly session: Session;
  readonly timeoutMs: number;
};

const openService = (
  type: string,
  { config, transport, session, timeoutMs }: Opening,
): ServiceClient => {
  const endpoint = async () => baseOf((await session()).catalog, type, config);
  const pin = PINS[type];
  const maximum = once(async () =>
    newestMicroversion(type, await endpoint(), transport, timeoutMs),
  );
  return {
    service: type,
    transport,
    timeoutMs,
    endpoint,
    token: async (refused) => (await session(refused)).token,
    microversion: async (atMost) => {
      if (!pin) return undefined;
      const newest = await maximum();
      if (compareMicroversions(newest, pin.minimum) < 0)
        throw new MicroversionError(type, pin.minimum, newest);
      const agreed = olderMicroversion(pin.wanted, newest);
      return `${type} ${atMost === undefined ? agreed : olderMicroversion(agreed, atMost)}`;
    },
  };
};

const baseOf = (catalog: Catalog, type: string, whereabouts: Whereabouts): string => {
  const url = endpointOf(catalog, type, whereabouts).replace(/\/+$/, "");
  return BASES[type]?.(url) ?? url;
};

/**
 * Nova as the holder of a token sees it. There is no credential to renew the token with, and no
 * microversion is asked for: it is for what Nova has always told.
 */
export const computeOfToken = (
  keystone: Required<Keystone>,
  token: string,
  whereabouts: Whereabouts & { readonly timeoutMs: number },
): ServiceClient => ({
  service: "compute",
  transport: keystone.transport,
  timeoutMs: whereabouts.timeoutMs,
  endpoint: once(async () => baseOf(await catalogOf(keystone, token), "compute", whereabouts)),
  token: async (refused) => {
    if (refused !== undefined) throw new InvalidTokenError();
    return token;
  },
  microversion: async () => undefined,
});

/** Remembers an answer, but not a failure. */
const once = <T>(ask: () => Promise<T>): (() => Promise<T>) => {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
};
