import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

const credentialSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    project_id: z.string().nullable(),
    /** Keystone writes UTC without saying so; null: it never expires. */
    expires_at: z.string().nullable(),
    roles: z.array(z.object({ name: z.string() })).default([]),
  })
  .transform(({ roles, expires_at, ...credential }) => ({
    ...credential,
    /** RFC 3339; null: never. */
    expires_at: expires_at === null ? null : utc(expires_at),
    /** Roles lost since by the user make it invalid as a whole. */
    roles: roles.map((role) => role.name),
  }));
export type ApplicationCredential = z.infer<typeof credentialSchema>;

const utc = (at: string): string => (/(Z|[+-]\d\d:?\d\d)$/.test(at) ? at : `${at}Z`);

/**
 * GET /v3/users/{user}/application_credentials/{id}: a user may read its own.
 * https://docs.openstack.org/api-ref/identity/v3/#show-application-credential-details
 *
 * @throws OpenStackError 404 for an unknown one, 403 for another user's
 */
export const applicationCredential = async (
  client: ServiceClient,
  userId: string,
  id: string,
): Promise<ApplicationCredential> => {
  const path = `/users/${encodeURIComponent(userId)}/application_credentials/${encodeURIComponent(id)}`;
  const schema = z.object({ application_credential: credentialSchema });
  return (await call(client, path, schema)).application_credential;
};
