import type { Api } from "../client/request.ts";
import { type Cloud, openCloud } from "../openstack/cloud.ts";
import { cloudConfigFrom } from "../openstack/clouds-yaml.ts";
import { UsageError } from "./exit.ts";
import type { Values } from "./options.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_ENDPOINT = "http://127.0.0.1:12347";

const endpointOf = (values: Values, { env, err }: Terminal): string => {
  const endpoint = values.text("endpoint") ?? (env["LULL_ENDPOINT"] || DEFAULT_ENDPOINT);
  if (!URL.canParse(endpoint) || !/^https?:/i.test(endpoint))
    throw new UsageError(`--endpoint: "${endpoint}" is not an address such as ${DEFAULT_ENDPOINT}`);
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === "http:" && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
    err(`warning: ${endpoint} is not https, so your token can be read on the way`);
  return endpoint.replace(/\/+$/, "").replace(/\/v1$/, "");
};

/**
 * The API as the user of a clouds.yaml or of OS_* variables. LULL_TOKEN is sent as it is instead:
 * the break-glass token for when Keystone is down.
 *
 * @throws UsageError | CloudConfigError
 */
export const connect = async (values: Values, terminal: Terminal): Promise<Api> => {
  const endpoint = endpointOf(values, terminal);
  const given = terminal.env["LULL_TOKEN"];
  if (given) return { endpoint, token: async () => given };
  return { endpoint, token: (await cloudOf(values, terminal)).identity.token };
};

/**
 * The cloud itself, as the user of a clouds.yaml or of OS_* variables.
 *
 * @throws CloudConfigError
 */
export const cloudOf = async (values: Values, { env }: Terminal): Promise<Cloud> =>
  openCloud((await cloudConfigFrom({ env, cloud: values.text("os-cloud") })).config);
