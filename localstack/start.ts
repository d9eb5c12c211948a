import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isLoopback } from "../lib/config.ts";
import type { NamedCloudConfig } from "../lib/openstack/clouds-yaml.ts";
import { CloudConfigError, cloudConfigFrom } from "../lib/openstack/clouds-yaml.ts";
import { scaledClock } from "./clock.ts";
import { startLull } from "./embedded.ts";
import { startSimulator } from "./openstack/simulator.ts";
import { cloudOf } from "./openstack/spec.ts";

const HELP = `Runs Lull in this process, durable in one folder.

Usage: npm start -- [options]

  --os-cloud NAME   the cloud of clouds.yaml to maintain (default: OS_CLOUD, else OS_* variables)
  --simulate        maintain a simulated cloud instead
  --hosts N         its hosts (default: 6)
  --instances N     its instances (default: 24)
  --data DIR        where everything durable is kept (default: ~/.local/share/lull)
  --port PORT       port of the API (default: 12347)
  --host ADDRESS    address of the API (default: 127.0.0.1; put TLS in front before you open it)
  --help            this text

Settings are read from LULL_* variables; the README lists them.`;

const options = {
  "os-cloud": { type: "string" },
  simulate: { type: "boolean", default: false },
  hosts: { type: "string", default: "6" },
  instances: { type: "string", default: "24" },
  data: { type: "string", default: join(homedir(), ".local", "share", "lull") },
  port: { type: "string", default: "12347" },
  host: { type: "string", default: "127.0.0.1" },
  help: { type: "boolean", default: false },
} as const;

/** A start that cannot work: one line that says why, no stack. */
const fail = (message: string, code = 1): never => {
  console.error(message);
  process.exit(code);
};

const readArguments = () => {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : error}\n\n${HELP}`, 2);
  }
};

const findCloud = async (name: string | undefined): Promise<NamedCloudConfig> => {
  try {
    return await cloudConfigFrom({ env: process.env, cloud: name });
  } catch (error) {
    if (!(error instanceof CloudConfigError)) throw error;
    return fail(`${error.message}\n\nWithout a cloud at hand: npm start -- --simulate`);
  }
};

const simulate = async (hosts: number, instances: number) => {
  const simulator = await startSimulator({
    clock: scaledClock(),
    cloud: cloudOf({ hosts, instances }),
  });
  console.log("A simulated cloud is up. To speak to it as its admin:\n");
  console.log(`  export OS_AUTH_URL=${simulator.authUrl} OS_USERNAME=admin OS_PASSWORD=lab`);
  console.log("  export OS_PROJECT_NAME=admin OS_REGION_NAME=RegionOne\n");
  return { name: "simulated", config: simulator.config };
};

const args = readArguments();
if (args.help) {
  console.log(HELP);
  process.exit(0);
}
const cloud = args.simulate
  ? await simulate(Number(args.hosts), Number(args.instances))
  : await findCloud(args["os-cloud"]);
const publicUrl = process.env["LULL_PUBLIC_URL"];
if (!publicUrl && !isLoopback(cloud.config.auth_url))
  fail("Set LULL_PUBLIC_URL: instances' owners and hosts' workers have to reach this API at it.");

const settings = Object.entries(process.env).flatMap(([name, value]) =>
  /^(LULL_|POWERTOOLS_LOG_LEVEL$)/.test(name) && value !== undefined ? [[name, value]] : [],
);
const stack = await startLull({
  data: args.data,
  cloud,
  host: args.host,
  port: Number(args.port),
  settings: {
    LULL_PUBLIC_URL: `http://${args.host}:${args.port}`,
    ...Object.fromEntries(settings),
  },
  log: (line) => console.error(line),
}).catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));

console.log(`Lull is up at ${stack.apiUrl} for cloud ${cloud.name} (data in ${args.data})`);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    stack.close().then(
      () => process.exit(0),
      (error: unknown) => fail(String(error)),
    );
  });
