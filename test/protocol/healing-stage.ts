import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import type { Handler } from "../../localstack/aws/lambda/functions.ts";
import { type Stack, startStack } from "../../localstack/aws/stack.ts";
import { sleep, type VirtualClock, virtualClock } from "../../localstack/clock.ts";
import { compiled } from "../../localstack/compiled.ts";
import { readSession } from "../../localstack/demo/session-story.ts";
import { readCloud, storyBetween } from "../../localstack/openstack/invariants/story.ts";
import { violationsIn } from "../../localstack/openstack/invariants.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";

const MINUTE_MS = 60_000;
/** The cloud's secret, by the name that functions are told. */
const SECRET = "lull/cloud";

/** A cloud and a Lull whose time jumps from one event to the next, with the deployed functions. */
export type HealingStage = {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly stack: Stack;
  /** Runs instead of a function of that file, as long as there is one. */
  readonly deploy: (instead: ((file: string) => Handler | undefined) | null) => void;
  readonly open: () => Promise<string>;
  /** Lets time pass until this is so. @returns minutes of the clock that it took */
  readonly until: (what: string, is: () => Promise<boolean>, minutes: number) => Promise<number>;
  /** The phase of cmp-01 in the session. */
  readonly phase: (sessionId: string) => Promise<string | undefined>;
  readonly hasEnded: (sessionId: string) => Promise<boolean>;
  /** The session ended well, and nothing happened in the cloud that must not. */
  readonly expectWell: (sessionId: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** A clock that whoever holds it may let go on for a while: code takes time, here as anywhere. */
const nappingClock = (): VirtualClock & { readonly nap: (ms: number) => Promise<void> } => {
  const clock = virtualClock(Date.now());
  let busy = 0;
  let release: (() => void) | null = null;
  const change = (by: 1 | -1) => {
    busy += by;
    if (busy > 0) release ??= clock.hold();
    else {
      release?.();
      release = null;
    }
  };
  return {
    ...clock,
    hold: () => {
      let holds = true;
      change(1);
      return () => {
        if (holds) change(-1);
        holds = false;
      };
    },
    nap: async (ms) => {
      const slept = sleep(clock, ms);
      change(-1);
      await slept;
      change(1);
    },
  };
};

/** How long a step takes at least: what follows each other must not seem to be at once. */
const STEP_MS = 5;

/** Whether this is the file of a function that a state machine calls. */
export const isStep = (file: string): boolean => /functions\/(host|session)\//.test(file);

export const openHealingStage = async (): Promise<HealingStage> => {
  const clock = nappingClock();
  const simulator = await startSimulator({
    clock,
    cloud: { ...cloudOf({ hosts: 3, instances: 4 }), timing: { heartbeat_ms: 10_000 } },
  });
  const data = mkdtempSync(join(tmpdir(), "lull-"));
  const { template, handler } = await compiled();
  let instead: ((file: string) => Handler | undefined) | null = null;
  const stack = await startStack({
    template,
    data,
    clock,
    durability: "NORMAL",
    handlers: async (_, file) => {
      const deployed = await handler(file);
      return async (event, context) => {
        if (isStep(file)) await clock.nap(STEP_MS);
        return (instead?.(file) ?? deployed)(event, context);
      };
    },
    secrets: { [SECRET]: JSON.stringify(simulator.config) },
    environment: {
      LULL_CLOUD: "simulated",
      LULL_REGION: simulator.config.region_name ?? "RegionOne",
      LULL_AUTH_URL: simulator.config.auth_url,
      LULL_CLOUD_SECRET: SECRET,
      LULL_PUBLIC_URL: "http://127.0.0.1",
      POWERTOOLS_LOG_LEVEL: "SILENT",
    },
  });
  const token = openCloud(simulator.config).identity.token;
  const api: Api = { endpoint: stack.apiUrl, token };
  let before = await readCloud(simulator.url);

  const until: HealingStage["until"] = async (what, is, minutes) => {
    const began = clock.now();
    expect(await clock.runUntil(is, began + minutes * MINUTE_MS), what).toBe(true);
    return (clock.now() - began) / MINUTE_MS;
  };
  const { sync_id } = await startSync(api);
  await until("the inventory", async () => (await getSync(api, sync_id)).state === "DONE", 10);

  return {
    clock,
    simulator,
    stack,
    until,
    deploy: (next) => {
      instead = next;
    },
    open: async () => {
      before = await readCloud(simulator.url);
      return createMaintenance(api, {
        hosts: ["cmp-01", "cmp-02"],
        actions: [{ plugin: "hold", metadata: { seconds: 60 } }],
        maintenance_at: new Date(clock.now()).toISOString(),
        profile: "doctor",
      });
    },
    phase: async (sessionId) =>
      (await readSession(api, sessionId)).detail.hosts.find(({ hostname }) => hostname === "cmp-01")
        ?.phase,
    hasEnded: async (sessionId) =>
      (await readSession(api, sessionId)).detail.session.state === "MAINTENANCE_DONE",
    expectWell: async (sessionId) => {
      const story = await readSession(api, sessionId);
      expect(story.detail.session.state).toBe("MAINTENANCE_DONE");
      expect(story.detail.hosts.map(({ outcome }) => outcome)).toEqual([
        "maintained",
        "maintained",
      ]);
      const after = await readCloud(simulator.url);
      expect(violationsIn(storyBetween(before, after, [story]))).toEqual([]);
    },
    close: async () => {
      const closing = stack.close();
      await clock.runUntil(() => false, clock.now() + MINUTE_MS);
      await closing;
      await simulator.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
};
