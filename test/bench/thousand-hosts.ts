import { subscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance, getMaintenanceDetail } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { type Stack, startStack } from "../../localstack/aws/stack.ts";
import { type VirtualClock, virtualClock } from "../../localstack/clock.ts";
import { compiled } from "../../localstack/compiled.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";

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

const NOON = Date.UTC(2026, 5, 1, 12);
/** Of the clock: a session that takes longer than this is stuck. */
const DEADLINE_MS = NOON + 30 * 86_400_000;
const SECRET = "lull/cloud";

/** What the invocations of one function cost: how many, and their time in all and at most, in ms. */
type Cost = { calls: number; total: number; most: number };

const costs = new Map<string, Cost>();
const requests = new Map<string, number>();

const timed =
  (name: string, handler: (event: unknown, context: unknown) => Promise<unknown>) =>
  async (event: unknown, context: unknown) => {
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

const startLull = async (data: string, clock: VirtualClock, simulator: Simulator) => {
  const { template, handler } = await compiled();
  return startStack({
    template,
    handlers: async (name, entry) => timed(name, await handler(entry)),
    data,
    clock,
    durability: "NORMAL",
    secrets: { [SECRET]: JSON.stringify(simulator.config) },
    environment: {
      LULL_CLOUD: "simulated",
      LULL_REGION: simulator.config.region_name ?? "RegionOne",
      LULL_AUTH_URL: simulator.config.auth_url,
      LULL_CA: "",
      LULL_CLOUD_SECRET: SECRET,
      POWERTOOLS_LOG_LEVEL: "ERROR",
    },
  });
};

/** Lets the clock run until the work is done. */
const driven = async <T>(clock: VirtualClock, work: Promise<T>): Promise<T> => {
  let over = false;
  const ended = work.finally(() => {
    over = true;
  });
  if (!(await clock.runUntil(() => over, DEADLINE_MS)))
    throw new Error("nothing happens any more, and the session has not ended");
  return ended;
};

const LOOK_EVERY_MS = 600_000;

/** Asks again every ten minutes of the clock until there is an answer. */
const until = async <T>(clock: VirtualClock, look: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => clock.at(clock.now() + LOOK_EVERY_MS, resolve));
  }
};

const play = async (clock: VirtualClock, api: Api, hosts: readonly string[]) => {
  const { sync_id } = await startSync(api);
  await until(clock, async () => {
    const { state } = await getSync(api, sync_id);
    return state === "REQUESTED" ? undefined : state;
  });
  const id = await createMaintenance(api, {
    hosts,
    maintenance_at: new Date(clock.now()).toISOString(),
    max_parallel_hosts: PARALLEL,
    actions: [{ plugin: "hold", metadata: { seconds: 600 } }],
  });
  requests.clear();
  costs.clear();
  return until(clock, async () => {
    const detail = await getMaintenanceDetail(api, id);
    console.log(
      `  ${new Date(clock.now()).toISOString()}  ${detail.session.state} ${detail.percent_done} %  ` +
        `${detail.attention.map(({ code }) => code).join(" ")}  ${process.cpuUsage().user / 1e6} s CPU`,
    );
    const isOver = detail.result != null || clock.now() >= NOON + HOURS * 3_600_000;
    return isOver ? detail : undefined;
  });
};

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
  const clock = virtualClock(NOON);
  const data = mkdtempSync(join(tmpdir(), "lull-thousand-"));
  const cloud = cloudOf({
    hosts: HOSTS,
    instances: INSTANCES,
    projects: 4,
    zones: ["az1", "az2", "az3", "az4"],
  });
  const simulator = await startSimulator({ clock, cloud });
  const stack = await startLull(data, clock, simulator);
  // A token of its own for each look: tokens end by the simulated clock, which runs ahead.
  const token = () => openCloud(simulator.config).token();
  const api: Api = { endpoint: stack.apiUrl, token };
  const began = { wall: performance.now(), clock: clock.now() };
  const { result } = await driven(
    clock,
    play(
      clock,
      api,
      cloud.hosts.map(({ name }) => name),
    ),
  );
  console.log(
    `\n${HOSTS} hosts, ${INSTANCES} instances, ${PARALLEL} at a time: ${result ?? "not over"}`,
  );
  report(stack, clock, began);
  const closing = stack.close();
  await driven(clock, closing);
  await simulator.close();
  rmSync(data, { recursive: true, force: true });
};

await main();
