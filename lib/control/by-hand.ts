import * as z from "zod";
import type { Settings } from "../config.ts";
import { abort, type Order } from "../domain/control.ts";
import type { Device } from "../domain/device.ts";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import { maintenanceSession } from "../domain/events/maintenance-session.ts";
import type { HostRun } from "../domain/host-run.ts";
import { isClosed, newSessionSchema, type Session } from "../domain/session.ts";
import { type ByHand, findByHand, putByHand } from "../store/by-hand.ts";
import { hostRunStore } from "../store/host-runs.ts";
import { hostStore } from "../store/hosts.ts";
import { ownership } from "../store/ownership.ts";
import { sessionStore } from "../store/sessions.ts";
import type { Table } from "../store/table.ts";
import { admit } from "./admit.ts";
import { hostOrders } from "./host-orders.ts";
import { sessionOrders } from "./session-orders.ts";

/** Body of PUT /v1/hosts/{host}/maintenance. */
export const byHandSchema = z.strictObject({
  reason: z.string().min(1).max(200),
  /** After which it counts as failed; the operator's limit on actions unless told. */
  ttl_minutes: z.int().min(1).optional(),
  accept_duties: newSessionSchema.shape.accept_duties,
  policies: newSessionSchema.shape.policies,
});

type Setting = {
  readonly device: Device;
  readonly body: z.infer<typeof byHandSchema>;
  readonly bodyHash: string;
  readonly by: string;
  readonly now: string;
};

/** Maintenance of one host that is set and unset by hand: a session with one hold. */
export const byHand = (table: Table, settings: Settings) => {
  const sessions = sessionStore(table);
  const hostRuns = hostRunStore(table);
  const { owners } = ownership(table);
  const { give } = sessionOrders(table);
  const { release } = hostOrders(table);
  const admitted = admit(settings, hostStore(table));

  const ownerOf = async ({ id }: Device): Promise<string | undefined> =>
    (await owners([id])).get(id);

  /** The session that the same request has opened before, while it is at it. */
  const same = async (
    { device, bodyHash }: Setting,
    before: ByHand | null,
  ): Promise<Session | null> => {
    if (before === null) return null;
    const session = await sessions.get(before.session_id);
    if (isClosed(session)) return null;
    if (before.body_sha256 === bodyHash && session.control !== "aborting") return session;
    throw new ConflictError(
      `${device.name} was set by ${session.created_by} in maintenance session ${session.session_id} (${session.reason}); unset it first`,
    );
  };

  /** @throws ConflictError when somebody else has set the host since `before` was read */
  const openFor = async (setting: Setting, before: ByHand | null): Promise<Session> => {
    const { device, body, bodyHash, by, now } = setting;
    const { reason, ttl_minutes, ...rest } = body;
    const metadata = ttl_minutes === undefined ? {} : { ttl_minutes };
    const request = newSessionSchema.parse({
      ...rest,
      reason,
      hosts: [device.name],
      actions: [{ plugin: "hold", metadata }],
      // No other host is to learn from this one, and a host in need is what a reserve is kept for.
      canary: false,
      reserve_hosts: 0,
      emergency: reason,
    });
    const session = await admitted({ body: request, by, now });
    const { session_id } = session;
    const next = { device_id: device.id, session_id, body_sha256: bodyHash };
    await sessions.open(session, maintenanceSession(session, 0, now), [
      putByHand(table, next, before),
    ]);
    return session;
  };

  return {
    /**
     * @returns the session that has the host, or will have it
     * @throws ConflictError when another session has the host
     * @throws BlockedError when the host cannot be maintained
     */
    async set(setting: Setting): Promise<Session> {
      const { id, name } = setting.device;
      const before = await findByHand(table, id);
      const known = await same(setting, before);
      if (known !== null) return known;
      const owner = await ownerOf(setting.device);
      if (owner !== undefined) throw new ConflictError(`maintenance session ${owner} has ${name}`);
      try {
        return await openFor(setting, before);
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        const winner = await same(setting, await findByHand(table, id));
        if (winner === null) throw error;
        return winner;
      }
    },

    /**
     * Ends the hold, or gives the host back when no work has begun, or has one whose hold was
     * overdue put back; one that is on its way back already stays so.
     *
     * @throws NotFoundError when the host is not in maintenance
     * @throws ConflictError when another session has it
     */
    async unset(device: Device, order: Order): Promise<Session> {
      const { name: host } = device;
      const owner = await ownerOf(device);
      const sessionId = (await findByHand(table, device.id))?.session_id;
      if (owner !== undefined && owner !== sessionId)
        throw new ConflictError(
          `${host} was not set by hand: maintenance session ${owner} has it; release or abort it there`,
        );
      if (sessionId === undefined) throw new NotFoundError(`${host} is not in maintenance`);
      const session = await sessions.get(sessionId);
      const run = (await hostRuns.list(sessionId))[0];
      const target = { sessionId, host, order };
      if (isReleasable(run)) return release(target);
      if (isClosed(session)) throw new NotFoundError(`${host} is not in maintenance`);
      if (run !== undefined && isOnItsWayBack(run)) return session;
      const aborted = await give(sessionId, { ...order, what: "abort" }, abort);
      // The hold may have begun while it was aborted: then only a release ends it.
      const now = (await hostRuns.list(sessionId))[0];
      return isReleasable(now) ? release(target) : aborted;
    },
  };
};

const isReleasable = (run: HostRun | undefined): boolean =>
  run?.phase === "FINISHED"
    ? run.outcome === "failed"
    : run?.phase === "IN_MAINTENANCE" && run.actions.some(({ state }) => state === "RUNNING");

const isOnItsWayBack = ({ phase, outcome, work_ended_at }: HostRun): boolean =>
  phase === "FINISHED" || outcome !== null || work_ended_at !== null;
