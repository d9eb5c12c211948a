import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

/** https://docs.openstack.org/api-ref/block-storage/v3/#services-os-services */
const serviceSchema = z.object({
  /** "cinder-volume", "cinder-backup", "cinder-scheduler". */
  binary: z.string(),
  /** The host, or host@backend for a cinder-volume: "cmp-01@lvm". */
  host: z.string(),
  zone: text,
  status: z.enum(["enabled", "disabled"]),
  state: z.enum(["up", "down"]),
  disabled_reason: text,
  /** The last heartbeat, in UTC without a zone. */
  updated_at: text,
});
export type VolumeService = z.infer<typeof serviceSchema>;

export type VolumeServiceQuery = {
  /** Finds its backends, too: "cmp-01" also "cmp-01@lvm". */
  readonly host?: string;
  readonly binary?: string;
};

/** GET /os-services of Cinder, admin only. Not every cloud has it: ask `cloud.has("block-storage")`. */
export const listVolumeServices = async (
  client: ServiceClient,
  query: VolumeServiceQuery = {},
): Promise<VolumeService[]> => {
  const schema = z.object({ services: z.array(serviceSchema) });
  return (await call(client, `/os-services?${new URLSearchParams(query)}`, schema)).services;
};
