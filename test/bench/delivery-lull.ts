import * as z from "zod";
import { startStack } from "../../localstack/aws/stack.ts";
import { compiled } from "../../localstack/compiled.ts";

/** Lull in a process of its own, without a cloud: it only delivers. Its one argument is JSON. */
const { data, awsPort } = z
  .object({ data: z.string(), awsPort: z.int() })
  .parse(JSON.parse(process.argv[2] ?? ""));

const { template, handler } = await compiled();
const stack = await startStack({
  template,
  handlers: (_, entry) => handler(entry),
  data,
  awsPort,
  environment: {
    LULL_CLOUD: "none",
    LULL_REGION: "none",
    LULL_AUTH_URL: "http://127.0.0.1:1/v3",
    LULL_AODH: "off",
    LULL_EGRESS_ALLOW: "127.0.0.0/8",
    POWERTOOLS_LOG_LEVEL: "ERROR",
  },
  log: (line) => console.error(line),
});
console.log(JSON.stringify(stack.credentials));
