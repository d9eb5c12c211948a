import type { NewMaintenance } from "../../lib/client/maintenance.ts";
import { type CloudSpec, cloudOf } from "../../localstack/openstack/spec.ts";
import { type Happening, happenings } from "./happenings.ts";
import { RECEIVER_URL } from "./receiver.ts";
import type { Chance, Misrates } from "./stage.ts";

export type PlannedSession = {
  /** Milliseconds after the first one. */
  readonly after: number;
  /** `ends_at` in milliseconds from its opening. */
  readonly request: NewMaintenance;
};

/** What a seed decides before anything begins. */
export type Plan = {
  readonly cloud: CloudSpec;
  readonly settings: Readonly<Record<string, string>>;
  readonly rates: Misrates;
  readonly sessions: readonly PlannedSession[];
  readonly happenings: readonly { readonly happening: Happening; readonly at: number }[];
  /** From here on nothing more happens, in milliseconds. */
  readonly quietAt: number;
  /** By now every session has ended, or waits for a human, in milliseconds. */
  readonly deadline: number;
};

const MINUTE = 60_000;

export const whole = (chance: Chance, least: number, most: number): number =>
  least + Math.floor(chance() * (most - least + 1));

export const oneOf = <T>(chance: Chance, all: readonly T[]): T => {
  const one = all[Math.floor(chance() * all.length)];
  if (one === undefined) throw new Error("there is nothing to choose from");
  return one;
};

const someOf = <T>(chance: Chance, all: readonly T[], count: number): T[] =>
  all
    .map((one) => ({ one, order: chance() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ one }) => one);

/** How long each part of a session may take, in minutes: short, so that waiting ends soon. */
const LIMITS = { drain: 8, action: 4, verify: 4 };

const cloudFor = (chance: Chance): CloudSpec & { hosts: { name: string }[] } => {
  const hosts = whole(chance, 3, 6);
  const cloud = cloudOf({ hosts, instances: whole(chance, hosts, 2 * hosts) });
  const [first] = cloud.hosts;
  if (first && chance() < 0.15) first.disabled_reason = "noisy fan, see ticket 42";
  return {
    ...cloud,
    timing: { heartbeat_ms: 10_000, service_down_ms: 60_000, bytes_per_second: 128 * 2 ** 20 },
    token_ms: chance() < 0.2 ? 3 * MINUTE : 14_400_000,
    concurrent_live_migrations: whole(chance, 1, 2),
  };
};

const actionsFor = (chance: Chance): NewMaintenance["actions"] => {
  const kind = chance();
  if (kind < 0.3) return [];
  if (kind < 0.6) return [{ plugin: "hold", metadata: { seconds: whole(chance, 5, 40) } }];
  return [{ plugin: "webhook", metadata: { url: RECEIVER_URL } }];
};

const sessionsFor = (chance: Chance, names: readonly string[]): PlannedSession[] => {
  const count = oneOf(chance, [1, 1, 2, 3]);
  return Array.from({ length: count }, (_, n) => {
    const actions = actionsFor(chance);
    const hosts = someOf(chance, names, whole(chance, 1, Math.min(3, names.length - 1)));
    return {
      after: n === 0 ? 0 : whole(chance, 0, 90) * 1_000,
      request: {
        hosts,
        max_parallel_hosts: whole(chance, 1, 2),
        ...(actions && { actions }),
        ...(chance() < 0.1 && { ends_at: String(whole(chance, 60, 240) * 1_000) }),
      },
    };
  });
};

/** Draws a cloud, sessions and what happens to them. */
export const planOf = (chance: Chance): Plan => {
  const cloud = cloudFor(chance);
  const sessions = sessionsFor(
    chance,
    cloud.hosts.map(({ name }) => name),
  );
  const chosen = someOf(chance, happenings, whole(chance, 0, 4));
  const rates: Misrates = Object.assign({}, ...chosen.map((one) => one.rates?.(chance)));
  const quietAt = 5 * MINUTE;
  const turns = sessions.reduce((sum, { request }) => sum + request.hosts.length, 0);
  return {
    cloud,
    settings: {
      LULL_POLL_SECONDS: String(whole(chance, 4, 10)),
      LULL_MOVES_PER_HOST: String(whole(chance, 1, 3)),
      LULL_DRAIN_MINUTES: String(LIMITS.drain),
      LULL_ACTION_MINUTES: String(LIMITS.action),
      LULL_VERIFY_MINUTES: String(LIMITS.verify),
      LULL_EGRESS_ALLOW: "127.0.0.0/8",
    },
    rates,
    sessions,
    happenings: chosen.map((happening) => ({
      happening,
      at: Math.floor(chance() * 200_000),
    })),
    quietAt,
    deadline: quietAt + turns * (LIMITS.drain + LIMITS.action + LIMITS.verify + 4) * MINUTE,
  };
};
