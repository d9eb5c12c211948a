import { readFileSync } from "node:fs";
import * as z from "zod";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { type Stack, startStack } from "../../localstack/aws/stack.ts";
import type { Clock } from "../../localstack/clock.ts";
import { compiled } from "../../localstack/compiled.ts";
import type { Simulator } from "../../localstack/openstack/simulator.ts";

const templateSchema = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.looseObject({}).optional() }),
  ),
});

/** The state machines as they were recorded with that number. */
const recordedMachines = (number: number): Record<string, unknown> =>
  Object.fromEntries(
    ["session", "host"].map((name) => {
      const file = new URL(`asl-${number}/${name}.asl.json`, import.meta.url);
      const key = name === "host" ? "HostMachine" : "SessionMachine";
      return [key, JSON.parse(readFileSync(file, "utf8"))];
    }),
  );

const withMachines = (template: unknown, machines: Record<string, unknown>): unknown => {
  const { Resources, ...rest } = templateSchema.parse(template);
  const changed = Object.entries(Resources).map(([key, resource]) => {
    const Definition = machines[key];
    return [
      key,
      Definition ? { ...resource, Properties: { ...resource.Properties, Definition } } : resource,
    ];
  });
  return { ...rest, Resources: Object.fromEntries(changed) };
};

type BareOptions = {
  readonly clock: Clock;
  readonly simulator: Simulator;
  readonly data: string;
  /** Functions keep what they were first told in their process, so a second Lull needs the same. */
  readonly awsPort: number;
  /** The state machines that were recorded with this number, in place of today's. */
  readonly machines?: number;
};

/** A Lull that knows nothing of its cloud yet, with the functions of today. */
export const openBareLull = async ({
  clock,
  simulator,
  data,
  awsPort,
  machines,
}: BareOptions): Promise<{ readonly stack: Stack; readonly api: Api }> => {
  const { template, handler } = await compiled();
  const SECRET = "lull/cloud";
  const stack = await startStack({
    template:
      machines === undefined ? template : withMachines(template, recordedMachines(machines)),
    handlers: (_, file) => handler(file),
    data,
    clock,
    awsPort,
    durability: "NORMAL",
    secrets: { [SECRET]: JSON.stringify(simulator.config) },
    environment: {
      LULL_CLOUD: "simulated",
      LULL_REGION: simulator.config.region_name ?? "RegionOne",
      LULL_AUTH_URL: simulator.config.auth_url,
      LULL_CLOUD_SECRET: SECRET,
      LULL_PUBLIC_URL: "http://127.0.0.1",
      LULL_POLL_SECONDS: "2",
      LULL_ALERTMANAGER_URL: simulator.alertmanagerUrl,
      LULL_MASAKARI: "true",
      POWERTOOLS_LOG_LEVEL: "SILENT",
    },
  });
  const token = openCloud(simulator.config).identity.token;
  return { stack, api: { endpoint: stack.apiUrl, token } };
};
