import type { NewMaintenance } from "../../lib/client/maintenance.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";
import { chances, oneOf, someOf, whole } from "./chance.ts";
import { type Happening, happenings } from "./happenings.ts";
import type { PlannedManager } from "./managers.ts";
import { RECEIVER_URL } from "./receiver.ts";
import type { Chance, Misrates } from "./stage.ts";

export type PlannedSession = {
  /** Milliseconds after the first one. */
  after: number;
  /** When its window ends, in milliseconds after its opening. */
  endsAfter?: number;
  request: NewMaintenance;
};

/** What a seed decides before anything begins; happenings may shape it. */
export type Draft = {
  cloud: ReturnType<typeof cloudOf>;
  rates: Misrates;
  sessions: PlannedSession[];
  /** Of projects that have one. */
  managers: PlannedManager[];
};

export type Plan = Draft & {
  readonly settings: Readonly<Record<string, string>>;
  readonly happenings: readonly { readonly happening: Happening; readonly at: number }[];
  /** From here on nothing more happens, in milliseconds. */
  readonly quietAt: number;
  /** By now every session has ended, or waits for a human, in milliseconds. */
  readonly deadline: number;
};

const MINUTE = 60_000;

/** How long each part of a session may take, in minutes: short, so that waiting ends soon. */
const LIMITS = { drain: 6, action: 3, verify: 4 };

/** What the questions of whole sessions to a project may take. */
const ANSWERS_MS = 10 * MINUTE;

/** Happenings begin while there is something to disturb: a session takes about so long for a host. */
const BEGIN_MS = 20_000;
const HOST_MS = 45_000;
const QUIET_AT = 5 * MINUTE;

const cloudFor = (chance: Chance): Draft["cloud"] => {
  const hosts = oneOf(chance, [3, 3, 4, 4, 5, 6]);
  const cloud = cloudOf({
    hosts,
    instances: whole(chance, hosts - 1, hosts + 3),
    // As many members as hosts could not move at all.
    spread: whole(chance, 2, hosts === 3 ? 2 : 3),
  });
  const [first] = cloud.hosts;
  if (first && chances(chance, 0.15)) first.disabled_reason = "noisy fan, see ticket 42";
  return {
    ...cloud,
    timing: { heartbeat_ms: 10_000, service_down_ms: 60_000, bytes_per_second: 128 * 2 ** 20 },
    concurrent_live_migrations: whole(chance, 1, 2),
  };
};

const actionsFor = (chance: Chance): NonNullable<NewMaintenance["actions"]> =>
  oneOf(chance, [
    [],
    [{ plugin: "hold", metadata: { seconds: whole(chance, 5, 40) } }],
    [{ plugin: "webhook", metadata: { url: RECEIVER_URL } }],
  ]);

const sessionFor = (chance: Chance, names: readonly string[], n: number): PlannedSession => ({
  after: n === 0 ? 0 : whole(chance, 0, 90) * 1_000,
  request: {
    hosts: someOf(chance, names, oneOf(chance, [1, 1, 1, 2, 2, 3])),
    max_parallel_hosts: whole(chance, 1, 2),
    actions: actionsFor(chance),
    reserve_hosts: 0,
    ...oneOf(chance, [{ profile: "doctor" }, { canary: false }, { soak_minutes: 1 }]),
  },
});

/** Draws a cloud, sessions and what happens to them. */
export const planOf = (chance: Chance): Plan => {
  const cloud = cloudFor(chance);
  const names = cloud.hosts.map(({ name }) => name);
  const count = oneOf(chance, [1, 1, 1, 1, 2, 2, 3]);
  const draft: Draft = {
    cloud,
    rates: {},
    sessions: Array.from({ length: count }, (_, n) => sessionFor(chance, names, n)),
    managers: [],
  };
  const chosen = someOf(chance, happenings, oneOf(chance, [0, 1, 2, 3, 4, 5]));
  for (const { shape } of chosen) shape?.(draft, chance);
  const turns = draft.sessions.reduce((sum, { request }) => sum + request.hosts.length, 0);
  return {
    ...draft,
    settings: {
      LULL_POLL_SECONDS: String(whole(chance, 8, 15)),
      LULL_MOVES_PER_HOST: String(whole(chance, 1, 3)),
      LULL_DRAIN_MINUTES: String(LIMITS.drain),
      LULL_ACTION_MINUTES: String(LIMITS.action),
      LULL_VERIFY_MINUTES: String(LIMITS.verify),
      LULL_STALL_SECONDS: "60",
      LULL_STATUS_IN_METADATA: String(names.length % 2 === 0),
      LULL_EGRESS_ALLOW: "127.0.0.0/8",
    },
    happenings: chosen.map((happening) => ({
      happening,
      at: whole(chance, 0, BEGIN_MS + turns * HOST_MS),
    })),
    quietAt: QUIET_AT,
    deadline:
      QUIET_AT +
      turns * (LIMITS.drain + LIMITS.action + LIMITS.verify + 4) * MINUTE +
      draft.managers.length * ANSWERS_MS,
  };
};
