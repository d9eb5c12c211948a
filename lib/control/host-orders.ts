import { randomUUID } from "node:crypto";
import { type Order, retryMoves } from "../domain/control.ts";
import { ConflictError } from "../domain/errors.ts";
import { maintenanceSession } from "../domain/events/maintenance-session.ts";
import type { HostRun } from "../domain/host-run.ts";
import { percentDone } from "../domain/progress.ts";
import { isClosed, type Session } from "../domain/session.ts";
import { released, reopened, retried, type Started } from "../domain/start-again.ts";
import { hookStore } from "../store/hooks.ts";
import { hostRunStore } from "../store/host-runs.ts";
import { ownership } from "../store/ownership.ts";
import { runStore } from "../store/runs.ts";
import { sessionStore } from "../store/sessions.ts";
import { startAgain } from "../store/start-again.ts";
import type { Table } from "../store/table.ts";
import { sessionOrders } from "./session-orders.ts";

/** Tries of an order that lost against another change of the same session. */
const TRIES = 5;

/** One host of a session, and the order that it is given. */
type Target = { readonly sessionId: string; readonly host: string; readonly order: Order };

type What = "retry" | "release";

/** The host at work again; and what else changes in its session. */
type Decide = (
  run: HostRun,
  session: Session,
) => { readonly next: Started; readonly fields: Partial<Session> };

export const hostOrders = (table: Table) => {
  const sessions = sessionStore(table);
  const hostRuns = hostRunStore(table);
  const hooks = hookStore(table);
  const runs = runStore(table);
  const { owners } = ownership(table);
  const { give } = sessionOrders(table);

  /** Answers null when something changed meanwhile; each try reads all anew. */
  const tryAgain = async (target: Target, what: What, decide: Decide): Promise<Session | null> => {
    const { sessionId, host, order } = target;
    const seen = await sessions.get(sessionId);
    const hosts = await hostRuns.list(sessionId);
    const run = hosts.find((other) => other.host === host);
    if (run?.phase !== "FINISHED")
      throw new ConflictError(`${host} is ${run?.phase ?? "not claimed"}; it is at work already`);
    const { next, fields } = decide(run, seen);
    const others = hosts.map((other) => (other.host === host ? next : other));
    const session = reopened(seen, others, order.at, fields);
    const event = maintenanceSession(session, percentDone(session, others), order.at, {
      ...order,
      what,
      host,
    });
    const result = await startAgain(table, {
      host: { seen: run, next },
      session: { seen, next: session, event },
      ended: isClosed(seen) ? await runs.get(sessionId) : null,
      now: order.at,
    });
    if (result === "owned") {
      const owner = (await owners([run.device_id])).get(run.device_id);
      if (owner !== undefined && owner !== sessionId)
        throw new ConflictError(`maintenance session ${owner} has ${host} now; end it first`);
    }
    return result === "started" ? session : null;
  };

  const goOn = async (target: Target, what: What, decide: Decide): Promise<Session> => {
    for (let tries = 0; tries < TRIES; tries++) {
      const session = await tryAgain(target, what, decide);
      if (session !== null) return session;
    }
    throw new ConflictError(`maintenance session ${target.sessionId} keeps changing; try again`);
  };

  return {
    /**
     * Starts a host over that failed or was given back, also in a session that is over; has the
     * stuck instances of a host that is being emptied tried anew.
     *
     * @throws NotFoundError when the session has no such host
     * @throws ConflictError when the host is neither, or another session has it
     */
    async retry(target: Target): Promise<Session> {
      const { sessionId, host, order } = target;
      const run = await hostRuns.get(sessionId, host);
      if (run.phase === "MOVING")
        return give(sessionId, { ...order, what: "retry", host }, (session) =>
          retryMoves(session, host, order),
        );
      if (run.phase !== "FINISHED")
        throw new ConflictError(
          `${host} is ${run.phase}; only a host that failed, was given back or is MOVING can be retried`,
        );
      const runId = randomUUID();
      return goOn(target, "retry", (seen, session) => ({
        next: retried(seen, session, { runId, now: order.at }),
        fields: { retried: { ...session.retried, [host]: order.at } },
      }));
    },

    /**
     * Takes an admin's word that the work on a host is done: ends the action that runs, or has a
     * host that failed verified and put back.
     *
     * @throws NotFoundError when the session has no such host
     * @throws ConflictError when there is nothing to release, or another session has the host
     */
    async release(target: Target): Promise<Session> {
      const { sessionId, host, order } = target;
      const run = await hostRuns.get(sessionId, host);
      const words = `released by ${order.by}${order.reason === "" ? "" : `: ${order.reason}`}`;
      const held = run.actions.find(({ state }) => state === "RUNNING");
      if (run.phase === "IN_MAINTENANCE" && held?.hook_id) {
        await hooks.answer(held.hook_id, {
          state: "DONE",
          details: words,
          at: order.at,
          released: true,
        });
        return sessions.get(sessionId);
      }
      if (run.phase !== "FINISHED")
        throw new ConflictError(`no work is under way on ${host}; it is ${run.phase}`);
      const runId = randomUUID();
      return goOn(target, "release", (seen) => ({
        next: { ...released(seen, { runId, now: order.at }), details: words },
        fields: {},
      }));
    },
  };
};
