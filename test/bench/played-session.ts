import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance, getMaintenanceDetail } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import type { Handler } from "../../localstack/aws/lambda/functions.ts";
import type { Observer } from "../../localstack/aws/observer.ts";
import { type Stack, startStack } from "../../localstack/aws/stack.ts";
import { sleep, type VirtualClock, virtualClock } from "../../localstack/clock.ts";
import { compiled } from "../../localstack/compiled.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";

const NOON = Date.UTC(2026, 5, 1, 12);
/** Of the clock: a session that takes longer than this is stuck. */
const DEADLINE_MS = NOON + 30 * 86_400_000;
const SECRET = "lull/cloud";
const LOOK_EVERY_MS = 600_000;

type StageOptions = {
  readonly hosts: number;
  readonly instances: number;
  /** Puts something around the handler of a function, by its logical id. */
  readonly wrap: (name: string, handler: Handler) => Handler;
  readonly observer?: Observer;
  readonly logLevel: "ERROR" | "INFO";
};

/** Lull on the embedded stack and a simulated cloud, in this process, under a clock that jumps. */
export type Stage = {
  readonly stack: Stack;
  readonly clock: VirtualClock;
  readonly api: Api;
  readonly hosts: readonly string[];
  /** Lets the clock run until the work is done. */
  readonly drive: <T>(work: Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
};

export const openStage = async (options: StageOptions): Promise<Stage> => {
  const clock = virtualClock(NOON);
  const data = mkdtempSync(join(tmpdir(), "lull-played-"));
  const cloud = cloudOf({
    hosts: options.hosts,
    instances: options.instances,
    projects: 4,
    zones: zonesFor(options.hosts),
  });
  const simulator = await startSimulator({ clock, cloud });
  const stack = await startLull(options, data, clock, simulator);
  const drive = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const ended = work.finally(() => {
      over = true;
    });
    if (!(await clock.runUntil(() => over, DEADLINE_MS)))
      throw new Error("nothing happens any more, and the session has not ended");
    return ended;
  };
  return {
    stack,
    clock,
    // A token of its own for each look: tokens end by the simulated clock, which runs ahead.
    api: { endpoint: stack.apiUrl, token: () => openCloud(simulator.config).token() },
    hosts: cloud.hosts.map(({ name }) => name),
    drive,
    close: async () => {
      await drive(stack.close());
      await simulator.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
};

/** Four, but none so small that the reserve of one would keep its last hosts from going. */
const zonesFor = (hosts: number) =>
  ["az1", "az2", "az3", "az4"].slice(0, Math.max(1, Math.floor(hosts / 5)));

const startLull = async (
  { wrap, observer, logLevel }: StageOptions,
  data: string,
  clock: VirtualClock,
  { config }: Simulator,
): Promise<Stack> => {
  const { template, handler } = await compiled();
  return startStack({
    template,
    handlers: async (name, entry) => wrap(name, await handler(entry)),
    data,
    clock,
    durability: "NORMAL",
    ...(observer && { observer }),
    secrets: { [SECRET]: JSON.stringify(config) },
    environment: {
      LULL_CLOUD: "simulated",
      LULL_REGION: config.region_name ?? "RegionOne",
      LULL_AUTH_URL: config.auth_url,
      LULL_CA: "",
      LULL_CLOUD_SECRET: SECRET,
      POWERTOOLS_LOG_LEVEL: logLevel,
    },
  });
};

type SessionOptions = {
  readonly parallel: number;
  /** Stops looking after so many hours of the clock. */
  readonly hours: number;
  /** Called when the inventory is there and the session is about to be created. */
  readonly begins: () => void;
  readonly tell: (line: string) => void;
};

/**
 * Plays one session over all hosts, with the default brakes and 10 minutes of work on each, looked at
 * every ten minutes of the clock.
 *
 * @returns how it ended; null = it had not within `hours`
 */
export const playSession = (stage: Stage, options: SessionOptions): Promise<string | null> =>
  stage.drive(session(stage, options));

const session = async ({ clock, api, hosts }: Stage, options: SessionOptions) => {
  const { sync_id } = await startSync(api);
  while ((await getSync(api, sync_id)).state === "REQUESTED") await sleep(clock, LOOK_EVERY_MS);
  options.begins();
  const id = await createMaintenance(api, {
    hosts,
    maintenance_at: new Date(clock.now()).toISOString(),
    max_parallel_hosts: options.parallel,
    actions: [{ plugin: "hold", metadata: { seconds: 600 } }],
  });
  for (;;) {
    const { session, attention, percent_done, result } = await getMaintenanceDetail(api, id);
    options.tell(
      `  ${new Date(clock.now()).toISOString()}  ${session.state} ${percent_done} %  ` +
        `${attention.map(({ code }) => code).join(" ")}  ${process.cpuUsage().user / 1e6} s CPU`,
    );
    if (result != null) return result;
    if (clock.now() >= NOON + options.hours * 3_600_000) return null;
    await sleep(clock, LOOK_EVERY_MS);
  }
};
