import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { parseArgs } from "node:util";
import type { Handler } from "../../localstack/aws/lambda/functions.ts";
import type { Stack } from "../../localstack/aws/stack.ts";
import type { VirtualClock } from "../../localstack/clock.ts";
import { openStage, playSession } from "./played-session.ts";

/**
 * `npm run bench:thousand`: one session over 1,000 simulated hosts, on the embedded stack, with a
 * clock that jumps from one thing to the next. What it costs in CPU, memory and requests is real.
 */
const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1000" },
    "instances-per-host": { type: "string", default: "2" },
    parallel: { type: "string", default: "50" },
    /** Stops and reports after so many hours of the clock. */
    hours: { type: "string", default: "1000" },
  },
});
const HOSTS = Number(values.hosts);
const INSTANCES = HOSTS * Number(values["instances-per-host"]);
const PARALLEL = Number(values.parallel);
const HOURS = Number(values.hours);

/** What the invocations of one function cost: how many, and their time in all and at most, in ms. */
type Cost = { calls: number; total: number; most: number };

const costs = new Map<string, Cost>();
const requests = new Map<string, number>();

const timed =
  (name: string, handler: Handler): Handler =>
  async (event, context) => {
    const began = performance.now();
    try {
      return await handler(event, context);
    } finally {
      const took = performance.now() - began;
      const cost = costs.get(name) ?? { calls: 0, total: 0, most: 0 };
      costs.set(name, {
        calls: cost.calls + 1,
        total: cost.total + took,
        most: Math.max(cost.most, took),
      });
    }
  };

const isRequest = (message: unknown): message is { request: IncomingMessage } =>
  typeof message === "object" && message !== null && "request" in message;

/** Requests by service of the cloud, and by operation of the AWS services. */
subscribe("http.server.request.start", (message) => {
  if (!isRequest(message)) return;
  const { url = "", headers } = message.request;
  const target = headers["x-amz-target"];
  const name = typeof target === "string" ? target : (url.split("/")[1] ?? "");
  requests.set(name, (requests.get(name) ?? 0) + 1);
});

const tell = (figure: string, value: string | number) =>
  console.log(`  ${figure.padEnd(58)} ${String(value).padStart(12)}`);

const report = (stack: Stack, clock: VirtualClock, began: { wall: number; clock: number }) => {
  const seconds = (clock.now() - began.clock) / 1_000;
  const asked = (prefix: string) =>
    [...requests].reduce((sum, [name, count]) => sum + (name.startsWith(prefix) ? count : 0), 0);
  tell("simulated time", `${(seconds / 3_600).toFixed(1)} h`);
  tell("wall time", `${((performance.now() - began.wall) / 1_000).toFixed(0)} s`);
  tell("CPU", `${((process.cpuUsage().user + process.cpuUsage().system) / 1e6).toFixed(0)} s`);
  tell(
    "peak RSS, simulated cloud included",
    `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
  );
  tell(
    "most history events of an execution (bar: < 5,000)",
    Math.max(...stack.executions().map(({ events }) => events)),
  );
  tell("executions", stack.executions().length);
  for (const service of ["compute", "placement", "identity", "network"])
    tell(`requests per simulated second: ${service}`, (asked(service) / seconds).toFixed(2));
  tell("DynamoDB requests per host", (asked("DynamoDB") / HOSTS).toFixed(0));
  console.log("\n  function                       calls      mean ms      most ms      sum s");
  for (const [name, { calls, total, most }] of [...costs].toSorted(
    (a, b) => b[1].total - a[1].total,
  ))
    console.log(
      `  ${name.padEnd(28)} ${String(calls).padStart(7)} ${(total / calls).toFixed(1).padStart(12)} ${most.toFixed(0).padStart(12)} ${(total / 1_000).toFixed(0).padStart(10)}`,
    );
};

const main = async () => {
  const stage = await openStage({
    hosts: HOSTS,
    instances: INSTANCES,
    wrap: timed,
    logLevel: "ERROR",
  });
  const began = { wall: performance.now(), clock: stage.clock.now() };
  const result = await playSession(stage, {
    parallel: PARALLEL,
    hours: HOURS,
    begins: () => {
      requests.clear();
      costs.clear();
    },
    tell: console.log,
  });
  console.log(
    `\n${HOSTS} hosts, ${INSTANCES} instances, ${PARALLEL} at a time: ${result ?? "not over"}`,
  );
  report(stage.stack, stage.clock, began);
  await stage.close();
};

await main();
