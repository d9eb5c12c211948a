import { type Intent, type Move, movesOf } from "../domain/move.ts";
import type { HostContext } from "./host-step.ts";

/** Moves that get no further without people. */
const STUCK: readonly Move["state"][] = ["waiting", "blocked"];

/**
 * An admin may ask for the stuck instances of a host to be tried anew: what was held against them is
 * forgotten, and their owners are asked again.
 *
 * @returns the moves from the host as they are then
 */
export const forgetIfAsked = async (
  { moves, session, run, ref }: Pick<HostContext, "moves" | "session" | "run" | "ref">,
  intents: readonly Intent[],
): Promise<Move[]> => {
  const known = await moves.listByHost(session.session_id, run.host);
  const asked = session.retried[run.host] ?? "";
  return Promise.all(
    known.map(async (move) => {
      const isStuck = STUCK.includes(move.state) && !isUnderWay(move, intents);
      if (asked <= (move.retried_at ?? "") || !isStuck) return move;
      const fresh = {
        ...move,
        refusals: [],
        vetoed: false,
        stalls: 0,
        retried_at: asked,
        asked_by: null,
      };
      await moves.put(ref, fresh);
      return fresh;
    }),
  );
};

const isUnderWay = ({ instance_id }: Move, intents: readonly Intent[]): boolean =>
  movesOf(intents, instance_id).some(({ outcome }) => outcome === null);
