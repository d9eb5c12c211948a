import { later } from "../../lib/domain/instant.ts";
import type { SeenMigration } from "../../lib/domain/move.ts";

const SOURCE = "cmp-01";
const TARGET = "cmp-02";
/** After this many seconds the caller's connection is gone, and nothing it sent arrives any more. */
const HTTP_SECONDS = 20;

type Request = {
  readonly effect: string;
  readonly until: string;
  reply: "taken" | "refused" | null;
};

/**
 * One instance of a cloud, and somebody who does host work when asked: what they accept is counted
 * by the intent that it was asked for.
 */
export const fakeCloud = () => {
  const migrations: SeenMigration[] = [];
  const accepted = new Map<string, number>();
  const sent: Request[] = [];
  let host: string | null = SOURCE;
  /** Nova is at it. Its row comes later. */
  let busy = false;
  let orders = 0;

  const count = (effect: string) => accepted.set(effect, (accepted.get(effect) ?? 0) + 1);

  /** As Nova decides: one task at a time, and never from a host to itself. */
  const decide = ({ effect }: Request): "taken" | "refused" => {
    if (effect.startsWith("action#")) {
      orders += 1;
      count(effect);
      return "taken";
    }
    if (busy || host !== SOURCE) return "refused";
    busy = true;
    count(effect);
    return "taken";
  };

  const newest = () => migrations.at(-1);

  return {
    accepted,
    orders: () => orders,
    hasLeft: () => host !== SOURCE,
    isBusy: () => busy,
    newestMigration: () => newest()?.id ?? 0,
    migrations: () => [...migrations],

    send: (effect: string, now: string): Request => {
      const request: Request = { effect, until: later(now, HTTP_SECONDS), reply: null };
      sent.push(request);
      return request;
    },

    /** What has been sent arrives, the oldest first, unless its connection is gone. */
    receive: (now: string) => {
      const request = sent.shift();
      if (request !== undefined && now <= request.until) request.reply = decide(request);
    },

    /** The migration of the accepted call gets its row; later it ends, one way or the other. */
    goOn: (well: boolean) => {
      const migration = newest();
      if (migration?.status === "running") {
        migrations.pop();
        migrations.push({ ...migration, status: well ? "completed" : "failed" });
        if (well) host = TARGET;
        busy = false;
      } else if (busy)
        migrations.push({
          id: migrations.length + 1,
          instance_id: "instance-1",
          status: "running",
          source: SOURCE,
          target: TARGET,
        });
    },
  };
};
export type FakeCloud = ReturnType<typeof fakeCloud>;
