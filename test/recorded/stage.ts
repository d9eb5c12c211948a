import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import type { Stack } from "../../localstack/aws/stack.ts";
import { type Clock, scaledClock } from "../../localstack/clock.ts";
import { startLull } from "../../localstack/embedded.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import type { CloudSpec } from "../../localstack/openstack/spec.ts";

/** A cloud as given and a Lull next to it that knows nothing yet. */
export type BareStage = {
  readonly clock: Clock;
  readonly simulator: Simulator;
  readonly stack: Stack;
  readonly api: Api;
  readonly close: () => Promise<void>;
};

export const openBareStage = async (cloud: CloudSpec, speed: number): Promise<BareStage> => {
  const clock = scaledClock(speed);
  const data = mkdtempSync(join(tmpdir(), "lull-"));
  const simulator = await startSimulator({ clock, cloud });
  const stack = await startLull({
    data,
    clock,
    durability: "NORMAL",
    cloud: { name: "simulated", config: simulator.config },
    settings: {
      LULL_PUBLIC_URL: "http://127.0.0.1",
      LULL_POLL_SECONDS: "2",
      LULL_ALERTMANAGER_URL: simulator.alertmanagerUrl,
      LULL_MASAKARI: "true",
    },
  });
  const token = openCloud(simulator.config).identity.token;
  return {
    clock,
    simulator,
    stack,
    api: { endpoint: stack.apiUrl, token },
    close: async () => {
      await stack.close();
      await simulator.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
};
