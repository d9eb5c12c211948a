import { ApiError } from "../../lib/client/errors.ts";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import {
  createMaintenance,
  getMaintenanceDetail,
  type SessionDetail,
} from "../../lib/client/maintenance.ts";
import { sleep } from "../../localstack/clock.ts";
import type { Plan, PlannedSession } from "./plan.ts";
import type { Stage } from "./stage.ts";

const PAUSE_MS = 5_000;
const PATIENCE = 120;

const isRefusal = (error: unknown): error is ApiError =>
  error instanceof ApiError &&
  error.status >= 400 &&
  error.status < 500 &&
  error.status !== 401 &&
  error.status !== 429;

/** Asks until an answer comes; a refusal is an answer. */
export const patiently = async <T>({ hands }: Stage, ask: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++)
    try {
      return await ask();
    } catch (error) {
      if (isRefusal(error) || tries >= PATIENCE) throw error;
      await sleep(hands.clock, PAUSE_MS);
    }
};

/** Asks until an answer comes; also a refusal will do. */
export const ask = async (stage: Stage, act: () => Promise<unknown>): Promise<void> => {
  try {
    await patiently(stage, act);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
};

/** Has the inventory read from the cloud, before anything happens to it. */
export const readInventory = async (stage: Stage): Promise<void> => {
  const { sync_id } = await patiently(stage, () => startSync(stage.api));
  for (;;) {
    const { state, error } = await patiently(stage, () => getSync(stage.api, sync_id));
    if (state === "DONE") return;
    if (state !== "REQUESTED") throw new Error(`the inventory could not be read: ${error}`);
    await sleep(stage.hands.clock, PAUSE_MS);
  }
};

/** Opens the sessions, each at its time. A session that is refused is none. */
export const openSessions = async (
  stage: Stage,
  planned: readonly PlannedSession[],
): Promise<void> => {
  for (const [n, { after, endsAfter, request }] of planned.entries()) {
    const { clock } = stage.hands;
    const open = async () => {
      const ends_at = new Date(clock.now() + (endsAfter ?? 0)).toISOString();
      const body = { ...request, ...(endsAfter !== undefined && { ends_at }) };
      try {
        const id = await patiently(stage, () => createMaintenance(stage.api, body, `sim-${n}`));
        stage.sessions.push(id);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        stage.hands.log(`session ${n} was refused: ${error.message}`);
      }
    };
    if (after === 0) await open();
    else stage.later(after, open);
  }
};

const isEnded = ({ session }: SessionDetail): boolean =>
  session.state === "MAINTENANCE_DONE" || session.state === "MAINTENANCE_FAILED";

const LOOK_EVERY_MS = 30_000;

/** Lets time pass until nothing more will happen and every session has ended, or its time is up. */
export const untilOver = async (stage: Stage, { quietAt, deadline }: Plan): Promise<void> => {
  const { hands, simulator, api, sessions, fates } = stage;
  const began = hands.clock.now();
  await sleep(hands.clock, quietAt);
  simulator.happen({ kind: "clear_faults" });
  Object.assign(fates, { kill_before: 0, kill_after: 0, reset_before: 0, reset_after: 0 });
  hands.log("from here on nothing more happens");
  while (hands.clock.now() < began + deadline) {
    const details = await Promise.all(
      sessions.map((id) => patiently(stage, () => getMaintenanceDetail(api, id))),
    );
    if (details.every(isEnded)) return;
    await sleep(hands.clock, LOOK_EVERY_MS);
  }
};
