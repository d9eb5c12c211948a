import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

const client = new SecretsManagerClient({});

/**
 * The text of a secret, fetched once per process: a rotated secret is seen by the next cold start.
 *
 * @throws Error when the secret has no text
 */
export const readSecret = async (name: string): Promise<string> => {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name }));
  if (SecretString === undefined) throw new Error(`secret ${name} has no text`);
  return SecretString;
};
