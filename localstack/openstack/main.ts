import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { scaledClock } from "../clock.ts";
import { startSimulator } from "./simulator.ts";
import { cloudOf } from "./spec.ts";

const HELP = `A simulated OpenStack on 127.0.0.1.

  node localstack/openstack/main.ts [options]

  --hosts N        compute hosts (6)
  --instances N    instances (24)
  --projects N     projects (2)
  --zones A,B      availability zones, dealt over the hosts (nova)
  --port N         port (any free one)
  --seed N         what chance decides (1)
  --speed N        how many times as fast as real time the cloud lives (1)
  --help

It prints the clouds.yaml to use, with the clouds "admin", "operator" (the role
maintenance_operator alone) and one for each project, and runs until it is stopped. GET /_simulator/world, journal, history and faults tell what is going on;
POST /_simulator/deeds takes what is to happen (localstack/openstack/deeds.ts).
`;

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "6" },
    instances: { type: "string", default: "24" },
    projects: { type: "string", default: "2" },
    zones: { type: "string", default: "nova" },
    port: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
    speed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(HELP);
} else {
  const simulator = await startSimulator({
    clock: scaledClock(Number(values.speed)),
    cloud: cloudOf({
      hosts: Number(values.hosts),
      instances: Number(values.instances),
      projects: Number(values.projects),
      zones: values.zones.split(","),
    }),
    port: Number(values.port),
    seed: Number(values.seed),
  });
  const entry = ({
    auth_url,
    username,
    password,
    project_name,
    region_name,
  }: typeof simulator.config) => ({
    region_name,
    auth: {
      auth_url,
      username,
      password,
      project_name,
      user_domain_name: "Default",
      project_domain_name: "Default",
    },
  });
  const tenants = Object.entries(simulator.tenants).map(([name, config]) => [name, entry(config)]);
  console.log(
    stringify({
      clouds: {
        admin: entry(simulator.config),
        operator: entry(simulator.operator),
        ...Object.fromEntries(tenants),
      },
    }).trimEnd(),
  );
  console.log(`# Alertmanager: ${simulator.alertmanagerUrl}`);
  const stop = () => void simulator.close();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}
