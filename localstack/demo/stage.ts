import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import type { Api } from "../../lib/client/request.ts";
import { type CloudConfig, openCloud } from "../../lib/openstack/cloud.ts";
import type { Misbehaviour } from "../aws/misbehaviour.ts";
import type { Stack } from "../aws/stack.ts";
import { type Clock, scaledClock } from "../clock.ts";
import { startLull } from "../embedded.ts";
import { type Permission, readCloud, storyBetween } from "../openstack/invariants/story.ts";
import { violationsIn } from "../openstack/invariants.ts";
import { type Simulator, startSimulator } from "../openstack/simulator.ts";
import type { CloudSpec } from "../openstack/spec.ts";
import { readSession } from "./session-story.ts";

export type StageOptions = {
  readonly cloud: CloudSpec;
  /** How many times as fast as real time cloud and Lull live. */
  readonly speed: number;
  readonly settings?: Readonly<Record<string, string>>;
  readonly misbehaviour?: Misbehaviour;
  readonly seed?: number;
  /** Of Lull's API, where the cloud's catalog names it; absent: any free one. */
  readonly port?: number;
};

/** A simulated cloud and a Lull that maintains it, in this process, on one clock. */
export type Stage = {
  readonly clock: Clock;
  readonly simulator: Simulator;
  readonly stack: Stack;
  /** Lull's API as the cloud's admin. */
  readonly api: Api;
  /** Lull's API as somebody else. */
  readonly apiAs: (config: CloudConfig) => Api;
  /** Begins to watch the cloud. */
  readonly watch: () => Promise<Watch>;
  readonly close: () => Promise<void>;
};

/**
 * Holds what the cloud went through since the watch began, with these sessions and by the leave of
 * these owners, against what Lull promises.
 */
type Watch = (
  sessionIds: readonly string[],
  permissions?: readonly Permission[],
) => Promise<string[]>;

/** A port that was free a moment ago: callbacks need an address before anything listens. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });

/** Builds everything up and reads the inventory. Nothing of it outlives `close`. */
export const openStage = async ({
  cloud,
  speed,
  settings = {},
  seed = 1,
  ...options
}: StageOptions): Promise<Stage> => {
  const clock = scaledClock(speed);
  const data = mkdtempSync(join(tmpdir(), "lull-"));
  const simulator = await startSimulator({ clock, cloud, seed });
  const port = options.port ?? (await freePort());
  const stack = await startLull({
    ...options,
    data,
    clock,
    port,
    // Nothing here is meant to survive the machine.
    durability: "NORMAL",
    cloud: { name: "simulated", config: simulator.config },
    settings: { LULL_PUBLIC_URL: `http://127.0.0.1:${port}`, ...settings },
  });
  const apiAs = (config: CloudConfig): Api => ({
    endpoint: stack.apiUrl,
    token: openCloud(config).identity.token,
  });
  const api = apiAs(simulator.config);
  await readInventory(api);
  return {
    clock,
    simulator,
    stack,
    api,
    apiAs,
    watch: async () => {
      const before = await readCloud(simulator.url);
      return async (sessionIds, permissions) => {
        const sessions = await Promise.all(sessionIds.map((id) => readSession(api, id)));
        const after = await readCloud(simulator.url);
        return violationsIn(storyBetween(before, after, sessions, permissions));
      };
    },
    close: async () => {
      await stack.close();
      await simulator.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
};

const PATIENCE_MS = 20_000;

/** Has the inventory read from the cloud. */
const readInventory = async (api: Api): Promise<void> => {
  const { sync_id } = await startSync(api);
  const { state, error } = await waitFor(
    "the inventory to be read",
    async () => {
      const sync = await getSync(api, sync_id);
      return sync.state === "REQUESTED" ? undefined : sync;
    },
    PATIENCE_MS,
  );
  if (state !== "DONE") throw new Error(`the inventory could not be read: ${error}`);
};

/** What was waited for did not come. */
class OverdueError extends Error {
  override readonly name = "OverdueError";
}

const LOOK_EVERY_MS = 50;

/**
 * Looks again and again until `look` finds something.
 *
 * @param patienceMs of real time
 * @throws OverdueError that says what was waited for
 */
export const waitFor = async <T>(
  what: string | (() => string),
  look: () => Promise<T | undefined> | T | undefined,
  patienceMs: number,
): Promise<T> => {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline)
      throw new OverdueError(
        `waited ${patienceMs / 1_000} s in vain for ${typeof what === "string" ? what : what()}`,
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
};
