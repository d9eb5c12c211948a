import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { getFreeze, thaw } from "../../lib/client/freeze.ts";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { scaledClock } from "../../localstack/clock.ts";
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
import { victim } from "../kill/victim.ts";
import { lull } from "../lib/cli/lull.ts";

const PATIENCE_MS = 120_000;

/** The session, as soon as it is as wanted; Lull may be on its way up. */
const when = (
  api: Api,
  id: string,
  what: string,
  is: (detail: SessionStory["detail"]) => boolean,
): Promise<SessionStory> =>
  waitFor(
    what,
    async () => {
      const story = await readSession(api, id).catch(() => undefined);
      return story !== undefined && is(story.detail) ? story : undefined;
    },
    PATIENCE_MS,
  );

const readInventory = async (api: Api): Promise<void> => {
  const { sync_id } = await waitFor(
    "Lull to be up",
    () => startSync(api).catch(() => undefined),
    PATIENCE_MS,
  );
  await waitFor(
    "the inventory to be read",
    async () => ((await getSync(api, sync_id)).state === "DONE" ? true : undefined),
    PATIENCE_MS,
  );
};

const isMoving = ({ state }: { readonly state: string }) => state === "moving";

test("what is restored from a backup of the middle of a session is frozen, and when it is thawed the session ends well", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lull-backup-"));
  const clock = scaledClock();
  const cloud = { ...cloudOf({ hosts: 4, instances: 12 }), timing: { heartbeat_ms: 700 } };
  const simulator = await startSimulator({ clock, cloud });
  const port = await freePort();
  const orders = { port, cloud: simulator.config };
  const original = victim({ ...orders, data: join(folder, "data") }, join(folder, "log"));
  const restored = victim({ ...orders, data: join(folder, "fresh") }, join(folder, "fresh-log"));
  const api: Api = {
    endpoint: `http://127.0.0.1:${port}`,
    token: openCloud(simulator.config).identity.token,
    timeoutMs: 5_000,
  };
  try {
    original.start();
    await readInventory(api);
    // Long enough that nothing else is begun between the backup and the end of the process.
    simulator.happen({ kind: "driver", faults: { "*": { live_migration: { seconds: 15 } } } });
    const before = await readCloud(simulator.url);
    const id = await createMaintenance(api, {
      hosts: ["cmp-01", "cmp-02"],
      maintenance_at: new Date(clock.now()).toISOString(),
      max_parallel_hosts: 1,
      canary: false,
      soak_minutes: 0,
      reserve_hosts: 0,
      actions: [{ plugin: "hold", metadata: { seconds: 3 } }],
    });
    await when(
      api,
      id,
      "as many moves to be under way as there may be",
      ({ instances }) => instances.filter(isMoving).length === 2,
    );

    const backup = join(folder, "backup");
    const backedUp = await lull(["admin", "backup", backup, "--data", join(folder, "data")]);
    expect(backedUp).toMatchObject({ code: 0, out: expect.stringContaining("1 open session") });
    expect(await original.kill()).toBe(true);
    const called = simulator.journal.length;
    const fresh = ["--data", join(folder, "fresh")];
    expect(await lull(["admin", "restore", backup, ...fresh])).toMatchObject({ code: 0 });
    restored.start();

    await when(api, id, "the freeze to be told", ({ attention }) =>
      attention.some(({ code, message }) => code === "frozen" && message.includes("restore")),
    );
    expect(await getFreeze(api)).toMatchObject({
      frozen: true,
      by: "restore",
      reason: expect.stringMatching(/^restored from the backup of \d{4}-\d\d-\d\dT/),
    });
    simulator.happen({ kind: "clear_faults" });
    // The moves of before are watched to their end. What is left on the host would go next.
    const { detail: still } = await when(
      api,
      id,
      "the moves to be over",
      ({ instances }) => instances.length > 0 && !instances.some(isMoving),
    );
    expect(still.hosts.map(({ phase }) => phase).toSorted()).toEqual(["MOVING", "WAITING"]);
    const since = clock.now();
    await waitFor(
      "several looks to pass",
      () => (clock.now() > since + 5_000 ? true : undefined),
      PATIENCE_MS,
    );
    expect(simulator.journal.slice(called)).toEqual([]);

    await thaw(api);
    const story = await when(api, id, "the session to end", ({ session }) =>
      ["MAINTENANCE_DONE", "MAINTENANCE_FAILED"].includes(session.state),
    );
    expect(story.detail.session.state).toBe("MAINTENANCE_DONE");
    expect(violationsIn(storyBetween(before, await readCloud(simulator.url), [story]))).toEqual([]);
  } finally {
    await original.kill();
    await restored.kill();
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);
