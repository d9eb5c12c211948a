import type {
  Call,
  ChangeFacts,
  HostFacts,
  InstanceFacts,
  MigrationFacts,
  SessionStory,
  Story,
  WorldFacts,
} from "../../localstack/openstack/invariants/story.ts";

/** Instants of the stories, in seconds after the first. */
export const at = (seconds: number): number => Date.UTC(2026, 0, 1) + seconds * 1_000;
export const instant = (seconds: number): string => new Date(at(seconds)).toISOString();

export const SESSION = "8e2b8f9e-6c6a-4f0e-9a76-0d4c6ff7a001";
export const MARK = `lull:${SESSION} http://127.0.0.1/status/cmp-01`;

export const host = (name: string, patch: Partial<HostFacts> = {}): HostFacts => ({
  name,
  service_id: `service-${name}`,
  vcpus: 8,
  memory_mb: 16_384,
  disk_gb: 100,
  cpu_ratio: 1,
  memory_ratio: 1,
  status: "enabled",
  disabled_reason: null,
  forced_down: false,
  ...patch,
});

export const instance = (name: string, patch: Partial<InstanceFacts> = {}): InstanceFacts => ({
  id: `id-${name}`,
  name,
  project_id: "alpha",
  flavor: { vcpus: 1, ram: 512, disk: 1 },
  volumes: [],
  group_id: null,
  host: "cmp-01",
  vm_state: "active",
  task_state: null,
  created_at: at(-1_000),
  ...patch,
});

export const migration = (patch: Partial<MigrationFacts> = {}): MigrationFacts => ({
  id: 1,
  instance_id: "id-web",
  type: "live-migration",
  source: "cmp-01",
  dest: "cmp-02",
  status: "completed",
  created_at: at(11),
  updated_at: at(20),
  ...patch,
});

export const changeOf =
  (kind: ChangeFacts["kind"]) =>
  (seconds: number, id: string, field: string, before: unknown, after: unknown): ChangeFacts => ({
    at: at(seconds),
    kind,
    id,
    field,
    before,
    after,
  });

export const call = (seconds: number, patch: Partial<Call>): Call => ({
  at: at(seconds),
  service: "compute",
  method: "POST",
  path: "/",
  body: null,
  requestId: `req-${seconds}`,
  status: 202,
  project_id: "admin",
  ...patch,
});

export const migrateCall = (seconds: number, patch: Partial<Call> = {}): Call =>
  call(seconds, {
    path: "/servers/id-web/action",
    body: { "os-migrateLive": { host: "cmp-02", block_migration: "auto" } },
    ...patch,
  });

export const serviceCall = (seconds: number, name: string, body: unknown): Call =>
  call(seconds, { method: "PUT", path: `/os-services/service-${name}`, body, status: 200 });

export const disable = (seconds: number, reason = MARK): Call =>
  serviceCall(seconds, "cmp-01", { status: "disabled", disabled_reason: reason });
export const enable = (seconds: number): Call =>
  serviceCall(seconds, "cmp-01", { status: "enabled" });

export const hostEvent = (seconds: number, state: string): SessionStory["events"][number] => ({
  type: "maintenance.host",
  entity: `${SESSION}/cmp-01`,
  at: instant(seconds),
  detail: { host: "cmp-01", state },
});

const world = (patch: Partial<WorldFacts>): WorldFacts => ({
  now: at(0),
  projects: [{ id: "alpha", name: "alpha" }],
  groups: [],
  hosts: [host("cmp-01"), host("cmp-02")],
  instances: [instance("web")],
  migrations: [],
  changes: 0,
  ...patch,
});

const CHANGES: ChangeFacts[] = [
  changeOf("host")(5, "cmp-01", "status", "enabled", "disabled"),
  changeOf("host")(5, "cmp-01", "disabled_reason", null, MARK),
  changeOf("instance")(10, "id-web", "task_state", null, "migrating"),
  changeOf("migration")(12, "1", "status", "accepted", "running"),
  changeOf("migration")(12, "1", "dest", null, "cmp-02"),
  changeOf("instance")(18, "id-web", "host", "cmp-01", "cmp-02"),
  changeOf("instance")(18, "id-web", "task_state", "migrating", null),
  changeOf("migration")(20, "1", "status", "running", "completed"),
  changeOf("host")(60, "cmp-01", "status", "disabled", "enabled"),
  changeOf("host")(60, "cmp-01", "disabled_reason", MARK, null),
];

/** `web` leaves cmp-01, which is worked on from second 30 to second 60 and put back: as it should be. */
export const goodStory: Story = {
  before: world({}),
  after: world({
    now: at(100),
    instances: [instance("web", { host: "cmp-02" })],
    migrations: [migration()],
    changes: CHANGES.length,
  }),
  journal: [disable(5), migrateCall(10), enable(60)],
  history: CHANGES,
  sessions: [
    {
      detail: {
        session_id: SESSION,
        attention: [],
        session: {
          state: "MAINTENANCE_DONE",
          created_at: instant(0),
          policies: {},
          force_complete: false,
        },
        hosts: [
          {
            hostname: "cmp-01",
            phase: "FINISHED",
            outcome: "maintained",
            started_at: instant(4),
            finished_at: instant(61),
          },
        ],
        instances: [
          {
            instance_id: "id-web",
            instance_name: "web",
            host: "cmp-01",
            destination_host: "cmp-02",
            action: "LIVE_MIGRATE",
            state: "moved",
            finished_at: instant(21),
          },
        ],
      },
      events: [
        {
          type: "maintenance.scheduled",
          entity: `${SESSION}/5f4dcc3b`,
          at: instant(6),
          detail: { project_id: "alpha", instance_ids: ["id-web"] },
        },
        hostEvent(30, "IN_MAINTENANCE"),
        hostEvent(61, "MAINTENANCE_COMPLETE"),
      ],
    },
  ],
  permissions: [],
};

/** History with more changes, in the order of time. */
export const withChanges = (story: Story, ...more: readonly ChangeFacts[]): Story => ({
  ...story,
  history: [...story.history, ...more].toSorted((a, b) => a.at - b.at),
});

export const withCalls = (story: Story, ...more: readonly Call[]): Story => ({
  ...story,
  journal: [...story.journal, ...more].toSorted((a, b) => a.at - b.at),
});

export const withAfter = (story: Story, patch: Partial<WorldFacts>): Story => ({
  ...story,
  after: { ...story.after, ...patch },
});

/** The story as its session would tell it otherwise. */
export const retold = (
  story: Story,
  tell: (session: SessionStory) => Partial<SessionStory>,
): Story => ({
  ...story,
  sessions: story.sessions.map((session) => ({ ...session, ...tell(session) })),
});
