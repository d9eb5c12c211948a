import * as z from "zod";

/** A name that a host can have. */
export const hostNameSchema = z.string().min(1).max(255);

/**
 * A compute host of the inventory, as the last sync read it from Nova. Identity is (cloud, region,
 * name); `name` is Nova's service host, not the hypervisor's hostname.
 */
export const deviceSchema = z.object({
  schema: z.literal(1),
  id: z.string(),
  cloud: z.string(),
  region: z.string(),
  cell: z.string().nullable(),
  name: z.string(),
  zone: z.string(),
  service: z.object({
    id: z.string(),
    status: z.enum(["enabled", "disabled"]),
    state: z.enum(["up", "down"]),
    disabled_reason: z.string().nullable(),
  }),
  /** Null until Nova has mapped the host to a cell. */
  hypervisor: z
    .object({ id: z.string(), hostname: z.string(), type: z.string(), version: z.int() })
    .nullable(),
  /** Told by the operator: rack, hardware and the like, for the brakes that go by them. */
  labels: z.record(z.string(), z.string()).default({}),
  /** Whether disks of instances lie on the host itself; the cloud's API cannot tell. */
  instance_storage: z.enum(["local", "shared"]).nullable().default(null),
  /** Nova no longer lists it. The row stays: its history does too. */
  gone: z.boolean(),
  synced_at: z.string(),
  /** Counts the changes; what If-Match compares. */
  version: z.int(),
});
export type Device = z.infer<typeof deviceSchema>;

/**
 * Where the host stands, and what it is. Hosts of one model have the same hypervisor and version
 * and the same `hardware` label.
 */
export const placeOf = ({ zone, cell, labels, hypervisor }: Device) => ({
  zone,
  cell,
  labels,
  model: [hypervisor?.type, hypervisor?.version, labels["hardware"]].filter(Boolean).join(" "),
});

export type SeenHost = Pick<Device, "name" | "cell" | "zone" | "service" | "hypervisor">;

type Place = Pick<Device, "cloud" | "region">;

/** A host the inventory has not seen before. */
export const newDevice = (id: string, place: Place, seen: SeenHost, now: string): Device => ({
  schema: 1,
  id,
  cloud: place.cloud,
  region: place.region,
  ...seen,
  labels: {},
  instance_storage: null,
  gone: false,
  synced_at: now,
  version: 1,
});

/** The next version of a known host; null when nothing but time has passed. `seen` null = gone. */
export const refreshed = (device: Device, seen: SeenHost | null, now: string): Device | null => {
  const next = seen ? { ...device, ...seen, gone: false } : { ...device, gone: true };
  return JSON.stringify(next) === JSON.stringify(device)
    ? null
    : { ...next, synced_at: now, version: device.version + 1 };
};
