import type { HostRun } from "../host-run.ts";
import { later } from "../instant.ts";
import type { Move } from "../move.ts";
import type { Session } from "../session.ts";

type Canary = Session["canaries"][number];

const isMaintained = ({ phase, outcome }: HostRun): boolean =>
  phase === "FINISHED" && outcome === "maintained";

/** Whether the host still has its turn to come, cordoned or not. */
export const awaitsTurn = ({ phase, cordon }: HostRun): boolean =>
  phase === "WAITING" || phase === "CORDONED" || (phase === "DISABLING" && cordon);

/** When the canary has borne its instance long enough. */
export const soakedAt = ({ at }: Canary, { soak_minutes }: Pick<Session, "soak_minutes">): string =>
  later(at, soak_minutes * 60);

/**
 * Models whose hosts go one at a time: none of their maintained hosts has taken an instance yet and
 * borne it for `soak_minutes`, or the one that has is down now.
 */
export const modelsOnTrial = (
  session: Session,
  runs: readonly HostRun[],
  now: string,
  isDown: (host: string) => boolean = () => false,
): Set<string> => {
  if (!session.canary) return new Set();
  const proven = new Set(
    session.canaries
      .filter((canary) => now >= soakedAt(canary, session) && !isDown(canary.host))
      .map(({ model }) => model),
  );
  return new Set(runs.map(({ place }) => place.model).filter((model) => !proven.has(model)));
};

/**
 * Maintained hosts that should be shown to bear an instance, because others of their model wait for
 * that. They are where an instance is best moved to.
 */
export const hostsToProve = (session: Session, runs: readonly HostRun[]): Set<string> => {
  if (!session.canary) return new Set();
  const proven = new Set(session.canaries.map(({ model }) => model));
  const wanted = new Set(
    runs
      .filter((run) => run.phase !== "FINISHED" && !proven.has(run.place.model))
      .map(({ place }) => place.model),
  );
  return new Set(
    runs.filter((run) => isMaintained(run) && wanted.has(run.place.model)).map(({ host }) => host),
  );
};

/** Of the hosts that have finished, so many of the last may have moves that nobody has looked at yet. */
const LATEST = 20;

/**
 * Hosts whose moves may say that a canary has taken an instance; none when no canary waits for that.
 * Those that finished long ago were looked at when they did.
 */
export const hostsToAskForProof = (session: Session, runs: readonly HostRun[]): string[] => {
  const canaries = hostsToProve(session, runs);
  if (canaries.size === 0) return [];
  const since = runs
    .filter(({ host }) => canaries.has(host))
    .map(({ finished_at }) => finished_at ?? "")
    .toSorted()[0];
  const finished = runs
    .filter(({ finished_at }) => finished_at !== null && finished_at > (since ?? ""))
    .toSorted((a, b) => ((a.finished_at ?? "") < (b.finished_at ?? "") ? 1 : -1))
    .slice(0, LATEST);
  const active = runs.filter((run) => run.finished_at === null && !awaitsTurn(run));
  return [...finished, ...active]
    .filter(({ instances_total }) => instances_total > 0)
    .map(({ host }) => host);
};

/** The canaries that these moves prove to have taken an instance after their work, the first of each model. */
export const canariesIn = (
  session: Session,
  runs: readonly HostRun[],
  moves: readonly Move[],
): Canary[] => {
  const canaries = hostsToProve(session, runs);
  const byName = new Map(runs.map((run) => [run.host, run]));
  const found = new Map<string, Canary>();
  for (const { state, destination_host, finished_at } of moves) {
    const onto = byName.get(destination_host ?? "");
    if (state !== "moved" || finished_at === null || onto === undefined) continue;
    if (!canaries.has(onto.host) || finished_at <= (onto.finished_at ?? "")) continue;
    const { model } = onto.place;
    const before = found.get(model);
    if (before === undefined || finished_at < before.at)
      found.set(model, { model, host: onto.host, at: finished_at });
  }
  return [...found.values()];
};
