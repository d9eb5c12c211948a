import type { Order } from "../domain/control.ts";
import type { DomainEvent } from "../domain/events/event.ts";
import { maintenanceSession, type Ordered } from "../domain/events/maintenance-session.ts";
import { percentDone } from "../domain/progress.ts";
import type { Session } from "../domain/session.ts";
import { briefOf } from "../domain/session-view.ts";
import { freezeStore } from "../store/freeze.ts";
import { hostRunStore } from "../store/host-runs.ts";
import { sessionStore } from "../store/sessions.ts";
import type { Table } from "../store/table.ts";

/** An order, and what it is for the history. */
type Given = Order & Ordered;

/** What an order makes of a session; null = nothing changes. */
type Decide = (session: Session, order: Order) => Session | null;

export const sessionOrders = (table: Table) => {
  const sessions = sessionStore(table);
  const hostRuns = hostRunStore(table);
  const freeze = freezeStore(table);

  return {
    /**
     * Carries out an order to a session, and stores the event that tells of it.
     *
     * @param tells what projects are told of it, if it changes anything
     * @returns the session as it is now
     * @throws NotFoundError, and ConflictError as `decide` does
     */
    async give(
      sessionId: string,
      order: Given,
      decide: Decide,
      tells: readonly DomainEvent[] = [],
    ): Promise<Session> {
      const runs = await hostRuns.list(sessionId);
      return sessions.change(sessionId, (seen) => {
        const next = decide(seen, order);
        const percent = percentDone(next ?? seen, runs);
        return next && { next, event: maintenanceSession(next, percent, order.at, order), tells };
      });
    },

    /** The session as whoever looks at it, or orders something, is told. */
    async view(session: Session) {
      const [runs, frozen] = await Promise.all([hostRuns.list(session.session_id), freeze.get()]);
      return briefOf(session, runs, frozen);
    },
  };
};
