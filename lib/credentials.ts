import { type Cloud, type CloudConfig, cloudConfigSchema, openCloud } from "./openstack/cloud.ts";
import { readSecret } from "./secrets.ts";

let opened: Promise<Cloud> | undefined;

/**
 * The cloud under the engine's own credential, read from its secret once per process. Only steps
 * of the engine may call it: the API holds no credential of a cloud.
 *
 * @param secretName the secret that holds a `CloudConfig` as JSON
 */
export const engineCloud = (secretName: string): Promise<Cloud> => {
  opened ??= readSecret(secretName)
    .then((text) => openCloud(parsed(secretName, text)))
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
