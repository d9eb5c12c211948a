import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { seededRandom } from "../../localstack/aws/misbehaviour.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { readSession } from "../../localstack/demo/session-story.ts";
import { freePort, waitFor } from "../../localstack/demo/stage.ts";
import { readCloud, storyBetween } from "../../localstack/openstack/invariants/story.ts";
import { violationsIn } from "../../localstack/openstack/invariants.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";
import { startProxy } from "./proxy.ts";
import { victim } from "./victim.ts";

/** How long a process lives at least and at most before it is killed, from its start. */
const SHORTEST_LIFE_MS = 300;
const LONGEST_LIFE_MS = 4_500;
const WORK_SECONDS = 3;
/** For one session; what a killed process left half done may wait for two ticks and a takeover. */
const PATIENCE_MS = 600_000;
const START_PATIENCE_MS = 30_000;

export type Kill = {
  readonly number: number;
  /** Milliseconds that the process had lived. */
  readonly livedMs: number;
  /** What the session was at, as last seen. */
  readonly at: string;
  /** Milliseconds from the next start to the first answer; null when it was killed before. */
  answeredAfterMs: number | null;
  /** Milliseconds from the next start to the first word to the cloud; null when killed before. */
  spokeAfterMs: number | null;
};

export type Outcome = {
  readonly sessions: readonly { readonly id: string; readonly state: string }[];
  readonly kills: readonly Kill[];
  readonly violations: readonly string[];
  readonly acceptedMoves: number;
  readonly seconds: number;
};

export type Scenario = {
  readonly seed: number;
  /** Sessions over all hosts follow each other until so many kills have been made. */
  readonly kills: number;
  readonly hosts?: number;
  readonly instances?: number;
  readonly onKill?: (kill: Kill) => void;
};

/**
 * Maintains all hosts of a simulated cloud while Lull is killed again and again, and judges what
 * the cloud has gone through. Cloud and Lull live in real time.
 */
export const survive = async ({
  seed,
  kills: wanted,
  hosts = 6,
  instances = 24,
  onKill,
}: Scenario): Promise<Outcome> => {
  const began = performance.now();
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), "lull-kill-"));
  const clock = scaledClock();
  const cloud = { ...cloudOf({ hosts, instances }), timing: { heartbeat_ms: 700 } };
  const simulator = await startSimulator({ clock, cloud, seed });
  const proxy = await startProxy(simulator.url);
  const port = await freePort();
  const config = { ...simulator.config, auth_url: `${proxy.url}/identity` };
  const process = victim({ data: join(folder, "data"), port, cloud: config }, join(folder, "log"));
  const api: Api = {
    endpoint: `http://127.0.0.1:${port}`,
    token: openCloud(simulator.config).identity.token,
    timeoutMs: 2_000,
  };
  const kills: Kill[] = [];
  let seen = "nothing yet";
  let killing = true;

  const isUp = () =>
    fetch(`${api.endpoint}/v1/healthz`, { signal: AbortSignal.timeout(500) }).then(
      (reply) => reply.ok,
      () => false,
    );

  /** Lets it live for a random while, kills it and starts it again, until enough. */
  const murder = async () => {
    let startedAt = performance.now();
    while (kills.length < wanted && killing) {
      const dies = startedAt + SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS);
      await watchUntil(dies, startedAt, kills.at(-1));
      if (!killing) return;
      await process.kill();
      const livedMs = performance.now() - startedAt;
      const kill = {
        number: kills.length + 1,
        livedMs,
        at: seen,
        answeredAfterMs: null,
        spokeAfterMs: null,
      };
      const last = kills.at(-1);
      if (last) onKill?.(last);
      kills.push(kill);
      startedAt = performance.now();
      process.start();
    }
    const last = kills.at(-1);
    await watchUntil(startedAt + START_PATIENCE_MS, startedAt, last, true);
    if (last) onKill?.(last);
  };

  /** Notes the first signs of life after a kill. */
  const watchUntil = async (
    end: number,
    startedAt: number,
    kill: Kill | undefined,
    untilUp = false,
  ) => {
    while (performance.now() < end) {
      const spoke = proxy.lastAt();
      if (kill && kill.spokeAfterMs === null && spoke !== null && spoke > startedAt)
        kill.spokeAfterMs = spoke - startedAt;
      if (kill && kill.answeredAfterMs === null && (await isUp()))
        kill.answeredAfterMs = performance.now() - startedAt;
      if (untilUp && kill && kill.answeredAfterMs !== null && kill.spokeAfterMs !== null) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  try {
    process.start();
    await waitFor(
      "Lull to start",
      async () => ((await isUp()) ? true : undefined),
      START_PATIENCE_MS,
    );
    const { sync_id } = await startSync(api);
    await waitFor(
      "the inventory to be read",
      async () => ((await getSync(api, sync_id)).state === "DONE" ? true : undefined),
      START_PATIENCE_MS,
    );
    const before = await readCloud(simulator.url);
    const names = before.world.hosts.map(({ name }) => name);

    const maintain = async () => {
      const body = {
        hosts: names,
        maintenance_at: new Date(clock.now()).toISOString(),
        max_parallel_hosts: 2,
        actions: [{ plugin: "hold", metadata: { seconds: WORK_SECONDS } }],
      };
      const key = `${seed}-${clock.now()}`;
      const id = await waitFor(
        "a session to be opened",
        () => createMaintenance(api, body, key).catch(() => undefined),
        START_PATIENCE_MS,
      );
      return waitFor(
        `session ${id} to end (log: ${join(folder, "log")})`,
        async () => {
          const story = await readSession(api, id).catch(() => undefined);
          if (!story) return undefined;
          const { session, hosts: runs } = story.detail;
          seen = runs
            .filter(({ phase }) => phase !== "WAITING" && phase !== "FINISHED")
            .map(({ hostname, phase }) => `${hostname} ${phase}`)
            .join(", ");
          const over = ["MAINTENANCE_DONE", "MAINTENANCE_FAILED"].includes(session.state);
          return over ? { id, state: session.state } : undefined;
        },
        PATIENCE_MS,
      );
    };

    const murders = murder();
    const sessions = [await maintain()];
    while (kills.length < wanted) sessions.push(await maintain());
    await murders;
    const stories = [];
    for (const { id } of sessions) stories.push(await readSession(api, id));
    const story = storyBetween(before, await readCloud(simulator.url), stories);
    const outcome = {
      sessions,
      kills,
      violations: violationsIn(story),
      acceptedMoves: story.journal.filter(({ body }) => "os-migrateLive" in Object(body)).length,
      seconds: (performance.now() - began) / 1_000,
    };
    rmSync(folder, { recursive: true });
    return outcome;
  } finally {
    killing = false;
    await process.kill();
    await proxy.close();
    await simulator.close();
  }
};
