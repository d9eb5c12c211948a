import { proxyOf, type Settings } from "./config.ts";
import { type Cloud, type CloudConfig, cloudConfigSchema, openCloud } from "./openstack/cloud.ts";
import { httpTransport } from "./openstack/transport.ts";
import { readSecret } from "./secrets.ts";

let opened: Promise<Cloud> | undefined;

/**
 * The cloud under the engine's own credential, read from its secret once per process. Only steps
 * of the engine may call it: the API holds no credential of a cloud.
 *
 * The secret that the settings name holds a `CloudConfig` as JSON; certificates in it go before
 * those of the settings.
 */
export const engineCloud = (settings: Settings): Promise<Cloud> => {
  const { LULL_CLOUD_SECRET: secretName, LULL_CA } = settings;
  opened ??= readSecret(secretName)
    .then((text) => {
      const config = parsed(secretName, text);
      const cacert = config.cacert ?? (LULL_CA || undefined);
      const transport = httpTransport({ cacert, verify: config.verify, proxy: proxyOf(settings) });
      return openCloud(config, { transport });
    })
    .catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
  return opened;
};

/** A parser's message would quote the secret, and end up in logs and events. */
const parsed = (secretName: string, text: string): CloudConfig => {
  const config = cloudConfigSchema.safeParse(jsonOf(text));
  if (config.success) return config.data;
  const fields = config.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw new Error(`secret ${secretName} is not the JSON of a cloud: ${fields || "no JSON"}`);
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
