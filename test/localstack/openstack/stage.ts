import { onTestFinished } from "vitest";
import { openCloud } from "../../../lib/openstack/cloud.ts";
import { virtualClock } from "../../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../../localstack/openstack/simulator.ts";
import { type CloudSpec, cloudOf } from "../../../localstack/openstack/spec.ts";

export const START = Date.UTC(2030, 0, 1);
export const MINUTE = 60_000;

type Cloud = ReturnType<typeof cloudOf>;

/** A cloud whose clock stands still until the test lets it run. */
export const simulate = async (
  change: (spec: Cloud) => CloudSpec = (spec) => spec,
  { seed = 1, size = { hosts: 4, instances: 8 } } = {},
) => {
  const clock = virtualClock(START);
  const simulator = await startSimulator({ clock, cloud: change(cloudOf(size)), seed });
  onTestFinished(simulator.close);
  const admin = openCloud(simulator.config, { timeoutMs: 2_000 });
  const pass = (ms: number) => clock.runUntil(() => false, clock.now() + ms);
  return { clock, simulator, admin, pass };
};

export const instanceNamed = ({ world }: Simulator, name: string) => {
  const found = [...world.instances.values()].find((one) => one.name === name);
  if (!found) throw new Error(`no instance ${name}`);
  return found;
};

export const hostOf = (simulator: Simulator, name: string): string => {
  const { host } = instanceNamed(simulator, name);
  if (host === null) throw new Error(`${name} is on no host`);
  return host;
};
