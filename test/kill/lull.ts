import * as z from "zod";
import { cloudConfigSchema } from "../../lib/openstack/cloud.ts";
import { startLull } from "../../localstack/embedded.ts";

/** Lull in a process of its own, made to be killed. Its one argument is JSON. */
const orders = z
  .object({ data: z.string(), port: z.number(), cloud: cloudConfigSchema })
  .parse(JSON.parse(process.argv[2] ?? ""));

await startLull({
  data: orders.data,
  port: orders.port,
  cloud: { name: "simulated", config: orders.cloud },
  settings: { LULL_PUBLIC_URL: `http://127.0.0.1:${orders.port}`, LULL_POLL_SECONDS: "1" },
  log: (line) => console.error(line),
});
