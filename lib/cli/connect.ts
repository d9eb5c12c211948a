import type { Api } from "../client/request.ts";
import { type Cloud, openCloud } from "../openstack/cloud.ts";
import { cloudConfigFrom } from "../openstack/clouds-yaml.ts";
import { EXIT, ExitError, UsageError } from "./exit.ts";
import type { Values } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_ENDPOINT = "http://127.0.0.1:12347";

/** Of this API in Keystone's catalog. */
const SERVICE_TYPE = "maintenance";

/** Where the API is, and how that is known when the user did not say it. */
type Place = { readonly address: string; readonly because?: string };

export type Connection = {
  readonly api: Api;
  /** What helps when nothing answers there. */
  readonly hint: string;
};

const isAddress = (text: string): boolean => URL.canParse(text) && /^https?:/i.test(text);

const placeTold = (values: Values, { env }: Terminal): Place | undefined => {
  const address = values.text("endpoint") ?? (env["LULL_ENDPOINT"] || undefined);
  if (address === undefined) return undefined;
  if (isAddress(address)) return { address };
  throw new UsageError(`--endpoint: "${address}" is not an address such as ${DEFAULT_ENDPOINT}`);
};

const byDefault = (because: string): Place => ({
  address: DEFAULT_ENDPOINT,
  because: `That is the default address: ${because}.`,
});

/** The catalog comes with the token that every command needs, so looking there asks nothing more. */
const placeInCatalog = async (cloud: Cloud): Promise<Place> => {
  const address = await cloud.addressOf(SERVICE_TYPE);
  if (address === undefined)
    return byDefault(
      `the catalog has no service of type ${SERVICE_TYPE} in your region and interface`,
    );
  if (isAddress(address)) return { address, because: "The catalog names that address." };
  throw new ExitError(
    `the catalog has "${address}" for service ${SERVICE_TYPE}, not an address such as ${DEFAULT_ENDPOINT}: have it put right, or use --endpoint`,
    EXIT.failed,
  );
};

const connection = (
  { address, because }: Place,
  token: Api["token"],
  { err }: Terminal,
): Connection => {
  const { protocol, hostname } = new URL(address);
  if (protocol === "http:" && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
    err(`warning: ${address} is not https, so your token can be read on the way`);
  const help = "Is Lull running there? --endpoint or LULL_ENDPOINT names another place.";
  return {
    api: { endpoint: address.replace(/\/+$/, "").replace(/\/v1$/, ""), token },
    hint: because === undefined ? help : `${because} ${help}`,
  };
};

/**
 * The API as the user of a clouds.yaml or of OS_* variables: at the address that was given, else at
 * the catalog's, else on this machine. LULL_TOKEN is sent as it is instead: the break-glass token for
 * when Keystone is down, which is therefore not asked for an address either.
 *
 * @throws UsageError | CloudConfigError | ExitError
 * @throws MissingServiceError when more than one region has the service and none is configured
 * @throws OpenStackError | TransientOpenStackError when Keystone is needed and gives no token
 */
export const connect = async (values: Values, terminal: Terminal): Promise<Connection> => {
  const told = placeTold(values, terminal);
  const given = terminal.env["LULL_TOKEN"];
  if (given) {
    const place = told ?? byDefault("with LULL_TOKEN the catalog is not asked for one");
    return connection(place, async () => given, terminal);
  }
  const cloud = await cloudOf(values, terminal);
  return connection(told ?? (await placeInCatalog(cloud)), cloud.identity.token, terminal);
};

/**
 * The cloud itself, as the user of a clouds.yaml or of OS_* variables.
 *
 * @throws CloudConfigError
 */
export const cloudOf = async (values: Values, { env }: Terminal): Promise<Cloud> =>
  openCloud((await cloudConfigFrom({ env, cloud: values.text("os-cloud") })).config);
