import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { seededRandom } from "../../localstack/aws/misbehaviour.ts";
import { type Clock, scaledClock } from "../../localstack/clock.ts";
import { readSession } from "../../localstack/demo/session-story.ts";
import { freePort, waitFor } from "../../localstack/demo/stage.ts";
import {
  readCloud,
  type SessionStory,
  storyBetween,
} from "../../localstack/openstack/invariants/story.ts";
import { violationsIn } from "../../localstack/openstack/invariants.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";
import { type Kill, killAgainAndAgain } from "./killer.ts";
import { startProxy } from "./proxy.ts";
import { victim } from "./victim.ts";

const WORK_SECONDS = 3;
const START_PATIENCE_MS = 30_000;
/** For one session: what a killed process left half done may wait for some ticks. */
const SESSION_PATIENCE_MS = 600_000;

export type Outcome = {
  readonly sessions: readonly { readonly id: string; readonly state: string }[];
  readonly kills: readonly Kill[];
  readonly violations: readonly string[];
  readonly acceptedMoves: number;
  readonly seconds: number;
};

export type Scenario = {
  readonly seed: number;
  /** Sessions follow each other until so many kills have been made. */
  readonly kills: number;
  readonly hosts?: number;
  readonly instances?: number;
  /** How many of the hosts each session maintains; all unless told. */
  readonly maintained?: number;
  readonly onKill?: (kill: Kill) => void;
};

/**
 * Maintains hosts of a simulated cloud while Lull is killed again and again, and judges what
 * the cloud has gone through. Cloud and Lull live in real time.
 *
 * @throws OverdueError when a session does not end; its message says where Lull's log is
 */
export const survive = async ({
  seed,
  kills: wanted,
  hosts = 6,
  instances = 24,
  maintained = hosts,
  onKill,
}: Scenario): Promise<Outcome> => {
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "lull-kill-"));
  const clock = scaledClock();
  const cloud = { ...cloudOf({ hosts, instances }), timing: { heartbeat_ms: 700 } };
  const simulator = await startSimulator({ clock, cloud, seed });
  const proxy = await startProxy(simulator.url);
  const port = await freePort();
  const config = { ...simulator.config, auth_url: `${proxy.url}/identity` };
  const log = join(folder, "log");
  const process = victim({ data: join(folder, "data"), port, cloud: config }, log);
  const api: Api = {
    endpoint: `http://127.0.0.1:${port}`,
    token: openCloud(simulator.config).identity.token,
    timeoutMs: 2_000,
  };
  let sessionIsAt = "nothing yet";
  const look = (phases: string) => {
    sessionIsAt = phases;
  };
  const maintain = (names: readonly string[]) => maintainHosts({ api, clock, names, log, look });

  try {
    process.start();
    await ready(api);
    const before = await readCloud(simulator.url);
    const names = before.world.hosts.map(({ name }) => name).slice(0, maintained);
    const kills: Kill[] = [];
    const killing = {
      process,
      random: seededRandom(seed),
      isUp: () => isUp(api),
      spokeAt: proxy.lastAt,
      sessionIsAt: () => sessionIsAt,
    };
    const murders = (async () => {
      for await (const kill of killAgainAndAgain(killing, wanted)) {
        kills.push(kill);
        onKill?.(kill);
      }
    })();
    const stories = [await maintain(names)];
    while (kills.length < wanted) stories.push(await maintain(names));
    await murders;

    const story = storyBetween(before, await readCloud(simulator.url), stories);
    const dead = kills.filter(({ wasDead }) => wasDead);
    const violations = [
      ...violationsIn(story),
      ...dead.map(({ number }) => `Lull had ended by itself before kill ${number} (log: ${log})`),
    ];
    if (violations.length === 0) rmSync(folder, { recursive: true });
    return {
      sessions: stories.map(({ detail }) => ({
        id: detail.session_id,
        state: detail.session.state,
      })),
      kills,
      violations,
      acceptedMoves: story.journal.filter(({ body }) => "os-migrateLive" in Object(body)).length,
      seconds: (performance.now() - began) / 1_000,
    };
  } finally {
    await process.kill();
    await proxy.close();
    await simulator.close();
  }
};

const isUp = ({ endpoint }: Api): Promise<boolean> =>
  fetch(`${endpoint}/v1/healthz`, { signal: AbortSignal.timeout(500) }).then(
    (reply) => reply.ok,
    () => false,
  );

/** Waits until Lull is up and knows its hosts. */
const ready = async (api: Api): Promise<void> => {
  await waitFor(
    "Lull to start",
    async () => ((await isUp(api)) ? true : undefined),
    START_PATIENCE_MS,
  );
  const { sync_id } = await startSync(api);
  await waitFor(
    "the inventory to be read",
    async () => ((await getSync(api, sync_id)).state === "DONE" ? true : undefined),
    START_PATIENCE_MS,
  );
};

type Maintenance = {
  readonly api: Api;
  readonly clock: Clock;
  readonly names: readonly string[];
  readonly log: string;
  readonly look: (phases: string) => void;
};

/** One session over these hosts, asked for as often as it takes: Lull may be dead at any moment. */
const maintainHosts = async ({
  api,
  clock,
  names,
  log,
  look,
}: Maintenance): Promise<SessionStory> => {
  const body = {
    hosts: names,
    maintenance_at: new Date(clock.now()).toISOString(),
    max_parallel_hosts: 2,
    canary: false,
    soak_minutes: 0,
    reserve_hosts: 0,
    actions: [{ plugin: "hold", metadata: { seconds: WORK_SECONDS } }],
  };
  const key = `night-${clock.now()}`;
  const id = await waitFor(
    "a session to be opened",
    () => createMaintenance(api, body, key).catch(() => undefined),
    START_PATIENCE_MS,
  );
  return waitFor(
    `session ${id} to end (log: ${log})`,
    async () => {
      const story = await readSession(api, id).catch(() => undefined);
      if (!story) return undefined;
      look(phasesOf(story));
      const { state } = story.detail.session;
      return state === "MAINTENANCE_DONE" || state === "MAINTENANCE_FAILED" ? story : undefined;
    },
    SESSION_PATIENCE_MS,
  );
};

const phasesOf = ({ detail }: SessionStory): string =>
  detail.hosts
    .filter(({ phase }) => phase !== "WAITING" && phase !== "FINISHED")
    .map(({ hostname, phase }) => `${hostname} ${phase}`)
    .join(", ");
