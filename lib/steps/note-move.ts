import type { DomainEvent } from "../domain/events/event.ts";
import { type Intent, type Move, openMove } from "../domain/move.ts";
import { withRefusal } from "../domain/refusals.ts";
import type { Server } from "../openstack/compute/servers.ts";
import type { HostContext } from "./host-step.ts";

type Subject = Pick<Server, "id" | "name" | "project_id"> | Pick<Intent, "instance_id">;

export type Note = Partial<
  Omit<Move, "schema" | "session_id" | "host" | "instance_id" | "instance_name" | "project_id">
> & {
  /** A target that would not take it, and Nova's words. */
  readonly refuse?: { readonly host: string | null; readonly why: string } | null;
};

/**
 * Writes down how a move stands, for people and for the choice of its next target.
 *
 * @param events what its project is told of it in the same moment
 */
export const noteMove = async (
  { moves, session, run, ref, now }: HostContext,
  subject: Subject,
  { refuse, ...note }: Note,
  events: readonly DomainEvent[] = [],
): Promise<Move> => {
  const id = "id" in subject ? subject.id : (subject.instance_id ?? "");
  const known = await moves.get(session.session_id, run.host, id);
  const before =
    known ??
    openMove(
      session,
      run,
      id,
      "name" in subject ? subject.name : null,
      "project_id" in subject ? subject.project_id : null,
    );
  const next = {
    ...before,
    ...note,
    refusals: refuse?.host
      ? withRefusal(before.refusals, refuse.host, refuse.why, now)
      : (note.refusals ?? before.refusals),
  };
  await moves.put(ref, next, events);
  return next;
};
