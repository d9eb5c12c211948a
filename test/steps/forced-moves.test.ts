import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { readInstance } from "../../lib/domain/constraints.ts";
import { forceEffect } from "../../lib/domain/forcing.ts";
import { later } from "../../lib/domain/instant.ts";
import { moveEffect } from "../../lib/domain/move.ts";
import { serversOn } from "../../lib/fleet/guests.ts";
import { migrationsOf } from "../../lib/fleet/migrations.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { liveMigrate } from "../../lib/openstack/compute/servers.ts";
import { onHost } from "../../lib/steps/effect.ts";
import type { HostContext } from "../../lib/steps/host-step.ts";
import { judgeMoves, type Round } from "../../lib/steps/judge-moves.ts";
import { watchMoves } from "../../lib/steps/watch-moves.ts";
import { constraintStore } from "../../lib/store/constraints.ts";
import { freezeStore } from "../../lib/store/freeze.ts";
import { intentStore } from "../../lib/store/intents.ts";
import { moveStore } from "../../lib/store/moves.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { aClaimedSession, aHost, aMove, SESSION_ID } from "../domain/builders.ts";
import { quickCloud } from "../end-to-end/quick-cloud.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "../store/dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const FROM = "cmp-01";
const TO = "cmp-02";
/** Seconds for which the owner bears an interruption. */
const BORNE = 10;
const FORCED_AT = later(NOW, 600);
const PAUSED = { why: "paused by ops: a storm", wait: "change", seconds: 600 } as const;
const LATE = "the heartbeat of cmp-01 is late";

/** A live migration whose bytes have not fallen for ten minutes; forced, if it is to be. */
const stalledMove = async ({ forced = true } = {}) => {
  const cloud = quickCloud({ hosts: 2, instances: 0 });
  cloud.instances.push({ name: "web", project: "alpha", flavor: "m1.tiny", host: FROM });
  const simulator = await startSimulator({ clock: scaledClock(20), cloud });
  onTestFinished(simulator.close);
  const [guest] = [...simulator.world.instances.values()];
  if (guest === undefined) throw new Error("the cloud has no instance");
  const faults = { [guest.id]: { live_migration: { outcome: "hang" as const } } };
  simulator.happen({ kind: "driver", faults });
  const client = openCloud(simulator.config);
  await liveMigrate(client.compute, guest.id, { host: TO });
  await vi.waitFor(() => expect(simulator.world.migrations[0]?.status).toBe("running"), 10_000);

  const table = dynamodb.newTable();
  const ref = await startRun(table, FROM);
  const intents = intentStore(table);
  const moves = moveStore(table);
  const constraints = constraintStore(table);
  const said = readInstance(
    { max_interruption_time: BORNE },
    {
      id: guest.id,
      project_id: guest.project_id,
      now: NOW,
      caps: { lead_time: 600, max_interruption_time: 600, recovery_time: 600 },
    },
  );
  await constraints.instances.put(said.constraints, 10);
  const progress = { left: 1, at: NOW, sent: 0, most: 1 };
  await moves.put(ref, aMove({ host: FROM, instance_id: guest.id, progress }));
  const effect = moveEffect("live", guest.id, 1);
  const move = { ...onHost(effect, NOW), instance_id: guest.id, target: TO };
  await intents.begin(ref, SESSION_ID, move);
  const force = { ...onHost(forceEffect(move), FORCED_AT), instance_id: guest.id };
  if (forced) {
    await intents.begin(ref, SESSION_ID, force);
    await intents.finish(ref, force, "done", FORCED_AT);
  }

  const saved: unknown[] = [];
  const context = (but: Partial<HostContext>) =>
    ({
      cloud: async () => client,
      session: aClaimedSession({ force_complete: true }),
      run: aHost(FROM),
      settings: { LULL_STALL_SECONDS: 60 },
      standstill: null,
      save: async (run: unknown) => saved.push(run),
      ...{ ref, intents, moves, constraints, ...but },
    }) as unknown as HostContext;
  const round = async (unfit: string | null): Promise<Round> => ({
    servers: await serversOn(client, FROM),
    migrations: await migrationsOf(client, FROM),
    facts: { vnicTypes: new Map(), groups: new Map(), apart: new Map() },
    intents: await intents.list(ref.run_id),
    stopping: false,
    unfit,
  });
  return {
    simulator,
    guest,
    saved,
    freeze: () => freezeStore(table).put({ frozen: true, by: "ops", at: NOW, reason: "a storm" }),
    watch: async (
      now: string,
      { unfit = null, ...but }: Partial<HostContext> & { readonly unfit?: string | null } = {},
    ) => {
      const seen = await round(unfit);
      const underWay = new Map(
        seen.intents.filter((one) => one.effect === effect).map((one) => [guest.id, one]),
      );
      return await watchMoves(context({ now, ...but }), seen, underWay);
    },
    judge: async (now: string) => judgeMoves(context({ now }), await round(null)),
    isAborted: () => simulator.journal.some(({ method }) => method === "DELETE"),
    cancelled: () =>
      vi.waitFor(() => expect(simulator.world.migrations[0]?.status).toBe("cancelled"), 10_000),
  };
};

const TOO_LONG = later(FORCED_AT, BORNE + 1);

describe("an instance that a forced move pauses for longer than its owner bears", () => {
  test.each([
    { when: "the host goes on", but: {} },
    { when: "its session is paused", but: { standstill: PAUSED } },
    { when: "the heartbeat of its host is late", but: { unfit: LATE } },
  ])("is released while $when", async ({ but }) => {
    const { watch, isAborted } = await stalledMove();
    const { paused } = await watch(TOO_LONG, but);

    expect(isAborted()).toBe(true);
    expect(paused).toContain("that move is aborted");
  });

  test("stays paused while all is frozen, and people are told", async () => {
    const { watch, isAborted, freeze } = await stalledMove();
    await freeze();
    const { paused } = await watch(TOO_LONG, { standstill: PAUSED });

    expect(isAborted()).toBe(false);
    expect(paused).toContain("stays paused until all is thawed");
  });

  test("is not released before", async () => {
    const { watch, isAborted } = await stalledMove();
    const { paused } = await watch(later(FORCED_AT, BORNE), { unfit: LATE });

    expect(isAborted()).toBe(false);
    expect(paused).toContain("which pauses it");
  });
});

describe("an instance whose forced move was aborted", () => {
  /** It was aborted, and stands so at Nova afterwards. */
  const afterwards = async (vm_state: "active" | "paused") => {
    const { watch, judge, cancelled, guest, saved } = await stalledMove();
    await watch(TOO_LONG);
    await cancelled();
    guest.vm_state = vm_state;
    return { ...(await judge(TOO_LONG)), saved };
  };

  test("and which does not run again raises the alarm, once it is stored", async () => {
    const { alarm, saved } = await afterwards("paused");

    expect(alarm).toContain("does not run again on cmp-01");
    expect(saved).toEqual([expect.objectContaining({ alarm: { at: TOO_LONG, why: alarm } })]);
  });

  test("and which runs again raises none", async () => {
    expect(await afterwards("active")).toMatchObject({ alarm: null, saved: [] });
  });
});

describe("a move that no longer gets on and was not forced", () => {
  test("is left as it is while nothing may be done, and nobody is told otherwise", async () => {
    const { watch, isAborted } = await stalledMove({ forced: false });
    const { stuck } = await watch(TOO_LONG, { standstill: PAUSED });

    expect(isAborted()).toBe(false);
    expect(stuck).toContain("left as it is");
    expect(await watch(TOO_LONG, { unfit: LATE })).toEqual({ paused: null, stuck: null });
    expect(isAborted()).toBe(false);
  });

  test("is aborted otherwise", async () => {
    const { watch, isAborted } = await stalledMove({ forced: false });
    const { stuck } = await watch(TOO_LONG);

    expect(isAborted()).toBe(true);
    expect(stuck).toContain("aborted and tried elsewhere");
  });
});
