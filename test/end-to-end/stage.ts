import { afterAll, beforeAll, expect, vi } from "vitest";
import { ApiError } from "../../lib/client/errors.ts";
import { createMaintenance, type NewMaintenance } from "../../lib/client/maintenance.ts";
import { readSession } from "../../localstack/demo/session-story.ts";
import { openStage, type Stage, type StageOptions, waitFor } from "../../localstack/demo/stage.ts";
import type { SessionStory } from "../../localstack/openstack/invariants/story.ts";
import type { Manager } from "../managers/manager.ts";

const SPEED = 10;
/** Tests that are not about brakes go without: a canary alone takes ten minutes to prove itself. */
const NO_BRAKES = { canary: false, soak_minutes: 0, reserve_hosts: 0 };

/** Of real time, for a whole session on a busy machine. */
const PATIENCE_MS = 150_000;
vi.setConfig({ testTimeout: 240_000 });

/** What a test does with the stage; every session it opens is judged at its end. */
export type Play = Stage & {
  readonly open: (
    request: Partial<NewMaintenance> & { readonly hosts: readonly string[] },
    idempotencyKey?: string,
  ) => Promise<string>;
  /** Managers whose word the judge goes by: what they agreed to may be done. */
  readonly owners: (...managers: readonly Pick<Manager, "permissions">[]) => void;
  /** Has a session that was opened otherwise judged like one of `open`; returns its id. */
  readonly judged: (sessionId: string) => string;
  /** The session, as soon as it is as wanted. */
  readonly when: (
    sessionId: string,
    what: string,
    is: (detail: SessionStory["detail"]) => boolean,
  ) => Promise<SessionStory>;
  readonly ended: (sessionId: string) => Promise<SessionStory>;
};

/**
 * One cloud and one Lull for the tests of a file, which run one after the other on hosts of their
 * own; before and after each of them the cloud is looked at, and what it went through is judged.
 */
export const theStage = (
  options: Pick<StageOptions, "cloud"> & Partial<StageOptions>,
): ((act: (play: Play) => Promise<void>) => () => Promise<void>) => {
  let stage: Stage | undefined;
  beforeAll(async () => {
    stage = await openStage({
      speed: SPEED,
      ...options,
      settings: { LULL_POLL_SECONDS: "2", ...options.settings },
    });
  }, 60_000);
  afterAll(() => stage?.close());

  return (act) => async () => {
    if (!stage) throw new Error("the stage is not open");
    const violations = await stage.watch();
    const sessions: string[] = [];
    const owners: Pick<Manager, "permissions">[] = [];
    await act(playOn(stage, sessions, owners));
    const permissions = owners.flatMap((owner) => owner.permissions());
    expect(await violations(sessions, permissions)).toEqual([]);
    expect(stage.stack.deadLetters()).toEqual([]);
  };
};

/**
 * A server error is no news. A function's time-out runs on the scaled clock and the pauses between
 * the SDK's tries do not, so a throttled table can end an invocation that would have succeeded.
 */
const nothingIfUnwell = (error: unknown): undefined => {
  if (!(error instanceof ApiError) || error.status < 500) throw error;
};

const playOn = (stage: Stage, sessions: string[], owners: Pick<Manager, "permissions">[]): Play => {
  const when: Play["when"] = (sessionId, what, is) =>
    waitFor(
      what,
      async () => {
        const story = await readSession(stage.api, sessionId).catch(nothingIfUnwell);
        return story !== undefined && is(story.detail) ? story : undefined;
      },
      PATIENCE_MS,
    );
  return {
    ...stage,
    open: async (request, idempotencyKey) => {
      const maintenance_at = new Date(stage.clock.now()).toISOString();
      const body = { maintenance_at, ...NO_BRAKES, ...request };
      const id = await createMaintenance(stage.api, body, idempotencyKey);
      sessions.push(id);
      return id;
    },
    owners: (...managers) => void owners.push(...managers),
    judged: (sessionId) => {
      sessions.push(sessionId);
      return sessionId;
    },
    when,
    ended: (sessionId) =>
      when(sessionId, "the session to end", ({ session }) =>
        ["MAINTENANCE_DONE", "MAINTENANCE_FAILED"].includes(session.state),
      ),
  };
};
