import { isOver, valueBefore, when } from "./replay.ts";
import type { Call, MigrationFacts, Story } from "./story.ts";

type AcceptedMove = {
  readonly call: Call;
  readonly instance: string;
  readonly name: string;
  /** The row that the call brought about. */
  readonly row: MigrationFacts | undefined;
};

const ACTION = /^\/servers\/(?<id>[^/]+)\/action$/;

const newMigrations = ({ before, after }: Story): MigrationFacts[] => {
  const old = new Set(before.migrations.map(({ id }) => id));
  return after.migrations.filter(({ id }) => !old.has(id)).toSorted((a, b) => a.id - b.id);
};

/** What sends an instance to another host. */
const MIGRATIONS = ["os-migrateLive", "migrate"];

/** Accepted migrations with their rows: those of one instance come in the same order. */
const acceptedMoves = (story: Story): AcceptedMove[] => {
  const rows = newMigrations(story);
  return story.journal.flatMap((call) => {
    const instance = ACTION.exec(call.path)?.groups?.["id"];
    const asked = Object.keys(Object(call.body)).some((action) => MIGRATIONS.includes(action));
    if (call.method !== "POST" || instance === undefined || !asked) return [];
    const own = rows.findIndex(({ instance_id }) => instance_id === instance);
    const [row] = own < 0 ? [] : rows.splice(own, 1);
    const name = story.after.instances.find(({ id }) => id === instance)?.name ?? instance;
    return [{ call, instance, name, row }];
  });
};

/**
 * Each intent led to at most one accepted call: no request id comes twice, no instance is asked to
 * move while it moves, and none is moved from a host that no session has taken out of service.
 */
export const movesMadeTwice = (story: Story): string[] => {
  const moves = acceptedMoves(story);
  return [...repeatedIds(moves), ...overlapping(story, moves), ...unexplained(story, moves)];
};

const repeatedIds = (moves: readonly AcceptedMove[]): string[] => {
  const seen = new Set<string>();
  return moves.flatMap(({ name, call: { requestId, at } }) => {
    const move = `a move of ${name} at ${when(at)}`;
    if (requestId === null) return [`${move} carries no request id`];
    if (seen.has(requestId)) return [`${move} was accepted under ${requestId} for a second time`];
    seen.add(requestId);
    return [];
  });
};

const overlapping = (story: Story, moves: readonly AcceptedMove[]): string[] =>
  moves.flatMap(({ call, name, instance, row }, n) => {
    const next = moves.slice(n + 1).find((later) => later.instance === instance);
    if (next === undefined || next.call.at >= endOf(story, row)) return [];
    return [
      `${name} was asked to move at ${when(call.at)} and again at ${when(next.call.at)}, ` +
        "before the first move had ended",
    ];
  });

/** When a migration was over; never when it has not begun or not ended. */
const endOf = ({ history }: Story, row: MigrationFacts | undefined): number =>
  history.find(
    ({ kind, id, field, after }) =>
      kind === "migration" && id === String(row?.id) && field === "status" && isOver(after),
  )?.at ?? Number.POSITIVE_INFINITY;

/** What was about to be called when somebody enabled the host cannot be called back. */
const CALL_MS = 5_000;

const unexplained = (story: Story, moves: readonly AcceptedMove[]): string[] => {
  const planned = new Set(
    story.sessions.flatMap(({ detail }) => detail.hosts.map(({ hostname }) => hostname)),
  );
  return moves.flatMap(({ call: { at }, instance, name }) => {
    const began = story.before.instances.find(({ id }) => id === instance)?.host;
    const host = valueBefore(story, at, { kind: "instance", id: instance, field: "host" }, began);
    const service = story.before.hosts.find((one) => one.name === host);
    const statusAt = (moment: number) =>
      valueBefore(
        story,
        moment,
        { kind: "host", id: String(host), field: "status" },
        service?.status,
      );
    const isOut = [at, at - CALL_MS].some((moment) => statusAt(moment) === "disabled");
    return planned.has(String(host)) && isOut
      ? []
      : [`${name} was moved away from ${host} at ${when(at)}, which no session had disabled`];
  });
};

/**
 * Every accepted move has an outcome, and the sessions tell the outcome that it had: a row that
 * ended for each call, a call for each row, and no instance said to be moved that was not.
 */
export const movesWithoutOutcome = (story: Story): string[] => {
  const moves = acceptedMoves(story);
  const explained = new Set(moves.map(({ row }) => row?.id));
  return [
    ...moves.flatMap(({ call, name, row }) => {
      const move = `the move of ${name} asked for at ${when(call.at)}`;
      if (row === undefined) return [`${move} was never begun`];
      return isOver(row.status) ? [] : [`${move} is still ${row.status}`];
    }),
    ...newMigrations(story)
      .filter(({ id }) => !explained.has(id))
      .map(({ id, source }) => `migration ${id} away from ${source} was not asked for by a call`),
    ...untrueOutcomes(story),
  ];
};

/** A live migration that ended well, and a cold one that was confirmed. */
const SUCCEEDED = new Set(["completed", "confirmed"]);

const untrueOutcomes = (story: Story): string[] => {
  const rows = newMigrations(story).filter(({ status }) => SUCCEEDED.has(status));
  const offloaded = new Set(
    story.after.instances.filter(({ host }) => host === null).map(({ id }) => id),
  );
  return story.sessions.flatMap(({ detail }) =>
    detail.instances.flatMap((told_of) => {
      const { instance_id, instance_name, host, destination_host, state, action } = told_of;
      const told = `session ${detail.session_id} says that ${instance_name}`;
      if (state === "moving") return [`${told} is still moving away from ${host}`];
      if (action === "OFFLOAD")
        return state === "moved" && !offloaded.has(instance_id)
          ? [`${told} was offloaded from ${host}, and it was not`]
          : [];
      const done = rows.some(
        (row) =>
          row.instance_id === instance_id && row.source === host && row.dest === destination_host,
      );
      return state === "moved" && !done
        ? [`${told} moved from ${host} to ${destination_host}, and no migration did that`]
        : [];
    }),
  );
};
