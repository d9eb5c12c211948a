import type { Intent, Move } from "../domain/move.ts";
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

/** Writes down how a move stands, for people and for the choice of its next target. */
export const noteMove = async (
  { moves, session, run, ref, now }: HostContext,
  subject: Subject,
  { refuse, ...note }: Note,
): Promise<Move> => {
  const id = "id" in subject ? subject.id : (subject.instance_id ?? "");
  const known = await moves.get(session.session_id, run.host, id);
  const before: Move = known ?? {
    schema: 1,
    session_id: session.session_id,
    host: run.host,
    instance_id: id,
    instance_name: "id" in subject ? (subject.name ?? id) : id,
    project_id: "id" in subject ? (subject.project_id ?? "") : "",
    action: "LIVE_MIGRATE",
    state: "waiting",
    destination_host: null,
    refusals: [],
    tries: 0,
    progress: null,
    stalls: 0,
    arrived_at: null,
    retried_at: null,
    vetoed: false,
    started_at: null,
    finished_at: null,
    details: null,
  };
  const next = {
    ...before,
    ...note,
    refusals: refuse?.host
      ? withRefusal(before.refusals, refuse.host, refuse.why, now)
      : (note.refusals ?? before.refusals),
  };
  await moves.put(ref, next);
  return next;
};
