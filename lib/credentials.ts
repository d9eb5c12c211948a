import { type Cloud, cloudConfigSchema, openCloud } from "./openstack/cloud.ts";
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
    .then((text) => openCloud(cloudConfigSchema.parse(JSON.parse(text))))
    .catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
  return opened;
};
