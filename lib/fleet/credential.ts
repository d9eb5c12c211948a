import type { Expiry } from "../domain/credential.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { OpenStackError } from "../openstack/errors.ts";
import { applicationCredential } from "../openstack/identity/application-credentials.ts";

/** When the engine's own access ends. Keystone need not tell: then nothing is known. */
export const readExpiries = async (cloud: Cloud): Promise<Expiry[]> => {
  const { user, application_credential_id: id } = await cloud.whoami();
  if (id === null)
    return [{ what: `the password of ${user.name}`, expires_at: utc(user.password_expires_at) }];
  try {
    const { name, expires_at } = await applicationCredential(cloud.identity, user.id, id);
    return [{ what: `application credential ${name}`, expires_at }];
  } catch (error) {
    if (error instanceof OpenStackError && [403, 404].includes(error.status)) return [];
    throw error;
  }
};

const utc = (at: string | null | undefined): string | null =>
  at == null ? null : /(Z|[+-]\d\d:?\d\d)$/.test(at) ? at : `${at}Z`;
