import { cloudOf, type Size } from "../../localstack/openstack/spec.ts";

/** A cloud that lives fast: its heartbeats and moves take seconds where a real one's take more. */
export const quickCloud = (size: Size) => ({
  ...cloudOf(size),
  timing: { heartbeat_ms: 2_000, service_down_ms: 60_000, bytes_per_second: 1024 * 2 ** 20 },
});
