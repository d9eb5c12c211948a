import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { freeze, thaw } from "../../lib/client/freeze.ts";
import {
  abortMaintenance,
  pauseMaintenance,
  releaseHost,
  resumeMaintenance,
  retryHost,
} from "../../lib/client/maintenance.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { enableService, getService } from "../../lib/openstack/compute/services.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import type { Simulator } from "../../localstack/openstack/simulator.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({ cloud: quickCloud({ hosts: 6, instances: 12 }) });

const slowMoves = (simulator: Simulator, seconds: number) =>
  simulator.happen({ kind: "driver", faults: { "*": { live_migration: { seconds } } } });

/** The host that has the most instances to give away. */
const fullest = ({ world }: Simulator): string => {
  const count = (name: string) =>
    [...world.instances.values()].filter(({ host }) => host === name).length;
  return [...world.hosts.keys()].toSorted((a, b) => count(b) - count(a))[0] ?? "";
};

const movesOf = ({ journal }: Simulator, from: number) =>
  journal.slice(from).filter(({ body }) => JSON.stringify(body).includes("os-migrateLive")).length;

test(
  "a paused session ends the moves it has begun and begins no other, until it is resumed",
  onStage(async ({ open, when, ended, api, simulator }) => {
    slowMoves(simulator, 10);
    const id = await open({ hosts: ["cmp-01", "cmp-02"], max_parallel_hosts: 1 });
    await when(id, "a move to be under way", ({ instances }) =>
      instances.some(({ state }) => state === "moving"),
    );
    await pauseMaintenance(api, id, "waiting for the network team");
    const asked = simulator.journal.length;
    const { detail: still } = await when(
      id,
      "the moves to end",
      ({ attention, instances }) =>
        attention.some(({ code }) => code === "paused") &&
        instances.every(({ state }) => state !== "moving"),
    );
    expect(still.attention).toContainEqual(
      expect.objectContaining({
        code: "paused",
        message: expect.stringContaining("network team"),
      }),
    );
    // One that was being asked for when the pause came may still have been called.
    expect(movesOf(simulator, asked)).toBeLessThanOrEqual(1);
    simulator.happen({ kind: "clear_faults" });
    await resumeMaintenance(api, id);
    const { detail } = await ended(id);
    expect(detail.session.state).toBe("MAINTENANCE_DONE");
  }),
);

test(
  "in a frozen cloud nothing is called, and a session goes on when it is thawed",
  onStage(async ({ open, when, ended, api, clock, simulator }) => {
    await freeze(api, "storage is on fire");
    const calls = simulator.journal.length;
    const id = await open({ hosts: ["cmp-03"] });
    await when(id, "the host to wait", ({ attention }) =>
      attention.some(({ code }) => code === "frozen"),
    );
    const since = clock.now();
    await waitFor(
      "a minute to pass",
      () => (clock.now() > since + 60_000 ? true : undefined),
      60_000,
    );
    expect(simulator.journal.slice(calls)).toEqual([]);
    await thaw(api);
    const { detail } = await ended(id);
    expect(detail.session.state).toBe("MAINTENANCE_DONE");
  }),
);

test(
  "a host that was aborted in work stays out of service until it is released, and is then verified",
  onStage(async ({ open, when, ended, api, simulator }) => {
    const id = await open({
      hosts: ["cmp-04"],
      actions: [
        { plugin: "hold", metadata: { seconds: 20 } },
        { plugin: "hold", metadata: { seconds: 20 } },
      ],
    });
    await when(id, "its work to run", ({ hosts }) => hosts[0]?.phase === "IN_MAINTENANCE");
    await abortMaintenance(api, id, "the firmware is bad");
    const { detail: aborted } = await ended(id);
    expect(aborted.hosts).toMatchObject([{ outcome: "failed" }]);
    expect(simulator.world.hosts.get("cmp-04")).toMatchObject({
      status: "disabled",
      disabled_reason: expect.stringMatching(/^lull:\S+ aborted in work/),
    });

    await releaseHost(api, id, "cmp-04", "flashed by hand");
    const { detail } = await when(
      id,
      "the host to be back",
      ({ hosts, session }) =>
        hosts[0]?.outcome === "released" && session.state === "MAINTENANCE_FAILED",
    );
    expect(detail.hosts).toMatchObject([{ outcome: "released" }]);
    expect(simulator.world.hosts.get("cmp-04")).toMatchObject({ status: "enabled" });
  }),
);

test(
  "a host whose work failed is done again when it is retried, and the session counts as done",
  onStage(async ({ open, when, ended, api, simulator }) => {
    const id = await open({
      hosts: ["cmp-05"],
      // Nobody reports the end of this work in time.
      actions: [{ plugin: "hold", metadata: { ttl_minutes: 1 } }],
    });
    const { detail: failed } = await ended(id);
    expect(failed.hosts).toMatchObject([{ outcome: "failed" }]);

    await retryHost(api, id, "cmp-05", "the worker is back");
    await when(id, "its work to run again", ({ hosts }) => hosts[0]?.phase === "IN_MAINTENANCE");
    await waitFor(
      "the release to be taken",
      () =>
        releaseHost(api, id, "cmp-05").then(
          () => true,
          () => undefined,
        ),
      60_000,
    );
    const { detail } = await when(
      id,
      "the session to end well",
      ({ session }) => session.state === "MAINTENANCE_DONE",
    );
    expect(detail.hosts).toMatchObject([{ outcome: "maintained" }]);
    expect(simulator.world.hosts.get("cmp-05")).toMatchObject({ status: "enabled" });
  }),
);

test(
  "a host that somebody enables while it is emptied is theirs again, and no more instances leave it",
  onStage(async ({ open, when, ended, simulator }) => {
    slowMoves(simulator, 60);
    const host = fullest(simulator);
    const id = await open({ hosts: [host] });
    await when(id, "a move to be under way", ({ instances }) =>
      instances.some(({ state }) => state === "moving"),
    );
    // Another one may be just about to be called: it would leave a host that nobody keeps closed.
    const callsNoMore = async () => {
      const called = movesOf(simulator, 0);
      await pause(1_000);
      return movesOf(simulator, 0) === called || undefined;
    };
    await waitFor("the round to be over", callsNoMore, 60_000);
    const { compute } = openCloud(simulator.config);
    const service = await getService(compute, host);
    await enableService(compute, service?.id ?? "");
    const { detail } = await ended(id);
    simulator.happen({ kind: "clear_faults" });

    expect(detail.hosts).toMatchObject([{ outcome: "restored" }]);
  }),
);

test(
  "while the cloud is unwell nothing is begun, and all goes on by itself when it is well",
  onStage(async ({ open, when, ended, simulator }) => {
    slowMoves(simulator, 30);
    const id = await open({ hosts: ["cmp-06"] });
    await when(id, "a move to be under way", ({ instances }) =>
      instances.some(({ state }) => state === "moving"),
    );
    simulator.happen({
      kind: "fault",
      fault: { service: "compute", effect: { kind: "error", status: 503 } },
    });
    await when(id, "the host to wait for the cloud", ({ attention }) =>
      attention.some(({ code }) => code === "waiting_cloud"),
    );
    simulator.happen({ kind: "clear_faults" });
    const { detail } = await ended(id);
    expect(detail.session.state).toBe("MAINTENANCE_DONE");
  }),
);
