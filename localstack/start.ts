import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isLoopback } from "../lib/config.ts";
import type { NamedCloudConfig } from "../lib/openstack/clouds-yaml.ts";
import { CloudConfigError, cloudConfigFrom } from "../lib/openstack/clouds-yaml.ts";
import { scaledClock } from "./clock.ts";
import { defaultDataFolder } from "./data-folder/default.ts";
import { startLull } from "./embedded.ts";
import { startSimulator } from "./openstack/simulator.ts";
import { cloudOf } from "./openstack/spec.ts";

const HELP = `Runs Lull in this process, durable in one folder.

Usage: npm start -- [options]

  --os-cloud NAME   the cloud of clouds.yaml to maintain (default: OS_CLOUD, else OS_* variables)
  --simulate        maintain a simulated cloud instead
  --hosts N         its hosts (default: 6)
  --instances N     its instances (default: 24)
  --data DIR        where everything durable is kept (default: ~/.local/share/lull; with --simulate
                    a folder of its own, because that cloud is gone with the process)
  --port PORT       port of the API (default: 12347)
  --host ADDRESS    address of the API (default: 127.0.0.1; put TLS in front before you open it)
  --help            this text

Settings are read from LULL_* variables; docs/configuration.md lists them.`;

const options = {
  "os-cloud": { type: "string" },
  simulate: { type: "boolean", default: false },
  hosts: { type: "string", default: "6" },
  instances: { type: "string", default: "24" },
  data: { type: "string" },
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

const wholeNumber = (name: string, text: string, most: number): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  return fail(`${name} takes a whole number from 1 to ${most}, not "${text}"`, 2);
};

const whyNotStarted = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "EADDRINUSE")
    return `port ${args.port} is in use; choose another with --port`;
  return error.cause instanceof Error ? `${error.message}\n${error.cause.message}` : error.message;
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
  const hint = `To speak to the simulated cloud as its admin:

  export OS_AUTH_URL=${simulator.authUrl} OS_USERNAME=admin OS_PASSWORD=lab
  export OS_PROJECT_NAME=admin OS_REGION_NAME=RegionOne
  export LULL_ENDPOINT=http://${args.host}:${port}
`;
  return { name: "simulated", config: simulator.config, hint };
};

const args = readArguments();
if (args.help) {
  console.log(HELP);
  process.exit(0);
}
const port = wholeNumber("--port", args.port, 65_535);
const cloud = args.simulate
  ? await simulate(
      wholeNumber("--hosts", args.hosts, 10_000),
      wholeNumber("--instances", args.instances, 100_000),
    )
  : { ...(await findCloud(args["os-cloud"])), hint: "" };
const publicUrl = process.env["LULL_PUBLIC_URL"];
if (!publicUrl && !isLoopback(cloud.config.auth_url))
  fail("Set LULL_PUBLIC_URL: instances' owners and hosts' workers have to reach this API at it.");

/** A simulated cloud is gone with its process: so is what was kept of it, unless it was given a place. */
const isPassing = args.simulate && args.data === undefined;
const data =
  args.data ?? (isPassing ? mkdtempSync(join(tmpdir(), "lull-simulated-")) : defaultDataFolder());

const settings = Object.entries(process.env).flatMap(([name, value]) =>
  /^(LULL_|POWERTOOLS_LOG_LEVEL$)/.test(name) && value !== undefined ? [[name, value]] : [],
);
const stack = await startLull({
  data,
  cloud,
  host: args.host,
  port,
  settings: {
    LULL_PUBLIC_URL: `http://${args.host}:${port}`,
    ...Object.fromEntries(settings),
  },
  log: (line) => console.error(line),
}).catch((error: unknown) => fail(whyNotStarted(error)));

if (cloud.hint) console.log(cloud.hint);
console.log(`Lull is up at ${stack.apiUrl} for cloud ${cloud.name} (data in ${data})`);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    stack.close().then(
      () => {
        if (isPassing) rmSync(data, { recursive: true, force: true });
        process.exit(0);
      },
      (error: unknown) => fail(String(error)),
    );
  });
