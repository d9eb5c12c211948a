import { ConflictError, NotFoundError } from "../domain/errors.ts";
import { later } from "../domain/instant.ts";
import { type CarriedOut, carriedOut } from "../domain/plan/carried-out.ts";
import type { Objective } from "../domain/plan/objective.ts";
import type { Operation } from "../domain/plan/operations.ts";
import type { Findings, StoredPlan } from "../domain/planning.ts";
import { isClosed } from "../domain/session.ts";
import { decodeCursor, encodeCursor } from "../store/cursor.ts";
import { hostRunStore } from "../store/host-runs.ts";
import { moveStore } from "../store/moves.ts";
import { planStore } from "../store/plans.ts";
import { sessionStore } from "../store/sessions.ts";
import type { Table } from "../store/table.ts";

type Page = { readonly limit: number; readonly cursor: string | null };

/** A plan as whoever asked for it sees it. */
export const planView = ({ findings, ...plan }: StoredPlan) => ({
  plan_id: plan.plan_id,
  status: plan.status,
  objective: plan.objective,
  session_id: plan.session_id,
  requested_at: plan.requested_at,
  requested_by: plan.requested_by,
  error: plan.error,
  ...(findings !== null && findings),
});

/** What a plan does, in pages, and what became of it. */
export const planViews = (table: Table) => {
  const plans = planStore(table);
  const sessions = sessionStore(table);
  const hostRuns = hostRunStore(table);
  const moves = moveStore(table);

  /** How each operation stands in a session, by what its hosts and moves say now. */
  const judge = async (
    sessionId: string,
    operations: readonly Operation[],
  ): Promise<(operation: Operation) => CarriedOut> => {
    // The session first: one that is over must not be shown with hosts as they were before its end.
    const session = await sessions.get(sessionId);
    const [runs, moved] = await Promise.all([
      hostRuns.findAll(
        sessionId,
        operations.map(({ host }) => host),
      ),
      moves.findAll(
        sessionId,
        operations.flatMap(({ host, instance_id: instanceId }) =>
          instanceId === null ? [] : [{ host, instanceId }],
        ),
      ),
    ]);
    const byHost = new Map(runs.map((run) => [run.host, run]));
    const byMove = new Map(moved.map((move) => [`${move.host}/${move.instance_id}`, move]));
    return (operation) =>
      carriedOut(operation, {
        isClosed: isClosed(session),
        run: byHost.get(operation.host),
        move: byMove.get(`${operation.host}/${operation.instance_id}`),
      });
  };

  return {
    /**
     * A page of the operations of one objective, held against the session that the plan is of, or
     * the one that is named because it was opened after the plan was made.
     *
     * @throws ConflictError while the plan is not ready
     * @throws NotFoundError when its pages are gone, or were kept as an earlier version did
     */
    async operations(
      plan: StoredPlan,
      objective: Objective,
      { limit, cursor, sessionId }: Page & { readonly sessionId: string | null },
    ) {
      const { findings, making_id } = ready(plan);
      const [after = "0"] = cursor === null ? [] : decodeCursor(cursor, /^\d{1,7}$/);
      const ref = { plan_id: plan.plan_id, making_id, objective };
      const operations = await plans.operations(ref, Number(after), limit);
      const { operations: all } = findings.outcomes[objective];
      if (operations.length < Math.min(limit, all - Number(after)))
        throw new NotFoundError(`the operations of plan ${plan.plan_id} have expired; ask anew`);
      const held = sessionId === null ? null : await judge(sessionId, operations);
      const last = operations.at(-1)?.number ?? 0;
      const isMore = last > 0 && last < all;
      return {
        plan_id: plan.plan_id,
        objective,
        session_id: sessionId,
        operations: operations.map((operation) => ({
          ...timed(operation, findings.starts_at),
          ...held?.(operation),
        })),
        next_cursor: isMore ? encodeCursor(String(last)) : null,
      };
    },

    /** @throws ConflictError while the plan is not ready */
    async curve(plan: StoredPlan, objective: Objective) {
      const { findings, making_id } = ready(plan);
      const points = await plans.curve({ plan_id: plan.plan_id, making_id, objective });
      return {
        plan_id: plan.plan_id,
        objective,
        points: points.map(({ starts_in, ...point }) => ({
          at: later(findings.starts_at, starts_in),
          ...point,
        })),
      };
    },
  };
};

const timed = ({ starts_in, ends_in, ...operation }: Operation, from: string) => ({
  ...operation,
  expected_start_at: later(from, starts_in),
  expected_end_at: later(from, ends_in),
});

const ready = ({
  status,
  findings,
  making_id,
}: StoredPlan): { findings: Findings; making_id: string } => {
  if (status === "ready" && findings !== null && making_id !== null) return { findings, making_id };
  throw new ConflictError(
    status === "making" ? "the plan is still being made; ask again" : "the plan could not be made",
  );
};
