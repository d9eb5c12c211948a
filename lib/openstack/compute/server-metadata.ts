import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

type Options = { readonly requestId?: string | undefined };

const pathOf = (serverId: string, key: string): string =>
  `/servers/${encodeURIComponent(serverId)}/metadata/${encodeURIComponent(key)}`;

/**
 * PUT /servers/{id}/metadata/{key}: writes one item, whatever stood there
 * (https://docs.openstack.org/api-ref/compute/#create-or-update-metadata-item). Allowed while it moves.
 *
 * @throws OpenStackError 403 above the quota of items, 404, 409 unless ACTIVE, PAUSED, SUSPENDED or
 *   SHUTOFF, or locked; 400 for a value of more than 255 characters
 */
export const setMetadataItem = async (
  client: ServiceClient,
  serverId: string,
  key: string,
  value: string,
  { requestId }: Options = {},
): Promise<void> => {
  const body = { meta: { [key]: value } };
  const options = { method: "PUT", body, expect: [200], requestId } as const;
  await call(client, pathOf(serverId, key), z.unknown(), options);
};

/** DELETE of the same. @throws OpenStackError 404 when server or item is not there, 409 as above */
export const deleteMetadataItem = async (
  client: ServiceClient,
  serverId: string,
  key: string,
  { requestId }: Options = {},
): Promise<void> => {
  const options = { method: "DELETE", expect: [204], requestId } as const;
  await call(client, pathOf(serverId, key), z.unknown(), options);
};
