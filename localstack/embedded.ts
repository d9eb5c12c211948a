import type { CloudConfig } from "../lib/openstack/cloud.ts";
import type { Misbehaviour } from "./aws/misbehaviour.ts";
import type { Durability } from "./aws/sqlite.ts";
import { type Stack, startStack } from "./aws/stack.ts";
import type { Clock } from "./clock.ts";
import { compiled } from "./compiled.ts";

export type LullOptions = {
  /** Folder of everything durable. */
  readonly data: string;
  /** The cloud to maintain, by the name it goes by here. */
  readonly cloud: { readonly name: string; readonly config: CloudConfig };
  readonly port?: number;
  readonly host?: string;
  /** LULL_* settings; docs/configuration.md explains them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More secrets than the cloud's credential, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly durability?: Durability;
  readonly misbehaviour?: Misbehaviour;
  readonly log?: (line: string) => void;
};

/** The secret that holds the engine's credential; only engine, session and host functions read it. */
const CLOUD_SECRET = "lull/cloud";

/** Starts Lull in this process: the deployed functions, machines and table on the embedded stack. */
export const startLull = async ({
  cloud,
  settings,
  port,
  host,
  secrets = {},
  ...options
}: LullOptions): Promise<Stack> => {
  const { template, handler } = await compiled();
  return startStack({
    ...options,
    template,
    handlers: (_name, entry) => handler(entry),
    ...(port !== undefined && { apiPort: port }),
    ...(host !== undefined && { apiHost: host }),
    secrets: { ...secrets, [CLOUD_SECRET]: JSON.stringify(cloud.config) },
    environment: {
      LULL_CLOUD: cloud.name,
      LULL_REGION: cloud.config.region_name ?? "RegionOne",
      LULL_INTERFACE: cloud.config.interface,
      LULL_AUTH_URL: cloud.config.auth_url,
      LULL_CA: cloud.config.cacert ?? "",
      LULL_CLOUD_SECRET: CLOUD_SECRET,
      ...settings,
    },
  });
};
