import * as z from "zod";

/**
 * Everything that a check of a maintenance goes by: what the cloud says of itself, and what Lull's
 * public API says of its sessions. Read from JSON, so that it may come from another process, and
 * by shapes of its own: a checker that shared the engine's code would share its mistakes.
 */

const hostSchema = z.object({
  name: z.string(),
  service_id: z.string(),
  vcpus: z.number(),
  memory_mb: z.number(),
  disk_gb: z.number(),
  cpu_ratio: z.number(),
  memory_ratio: z.number(),
  status: z.enum(["enabled", "disabled"]),
  disabled_reason: z.string().nullable(),
  forced_down: z.boolean(),
});
export type HostFacts = z.infer<typeof hostSchema>;

const instanceSchema = z.object({
  id: z.string(),
  name: z.string(),
  project_id: z.string(),
  flavor: z.object({ vcpus: z.number(), ram: z.number(), disk: z.number() }),
  volumes: z.array(z.string()),
  group_id: z.string().nullable(),
  host: z.string().nullable(),
  vm_state: z.string(),
  task_state: z.string().nullable(),
  created_at: z.number(),
});
export type InstanceFacts = z.infer<typeof instanceSchema>;

const migrationSchema = z.object({
  id: z.number(),
  instance_id: z.string(),
  type: z.string(),
  source: z.string(),
  dest: z.string().nullable(),
  status: z.string(),
  created_at: z.number(),
  updated_at: z.number(),
});
export type MigrationFacts = z.infer<typeof migrationSchema>;

const worldSchema = z.object({
  now: z.number(),
  projects: z.array(z.object({ id: z.string(), name: z.string() })),
  groups: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      policy: z.string(),
      max_server_per_host: z.number().optional(),
    }),
  ),
  hosts: z.array(hostSchema),
  instances: z.array(instanceSchema),
  migrations: z.array(migrationSchema),
  /** How many changes the cloud has written down up to here. */
  changes: z.number(),
});
export type WorldFacts = z.infer<typeof worldSchema>;

const callSchema = z.object({
  at: z.number(),
  service: z.string(),
  method: z.string(),
  path: z.string(),
  body: z.unknown().optional(),
  requestId: z.string().nullable(),
  status: z.number(),
  /** That the caller's token is for. */
  project_id: z.string().nullable().default(null),
});
/** A call that the cloud accepted. */
export type Call = z.infer<typeof callSchema>;

const changeSchema = z.object({
  at: z.number(),
  kind: z.enum(["instance", "host", "migration"]),
  id: z.string(),
  field: z.string(),
  before: z.unknown(),
  after: z.unknown(),
});
export type ChangeFacts = z.infer<typeof changeSchema>;

const detailSchema = z.object({
  session_id: z.string(),
  attention: z.array(
    z.object({
      code: z.string(),
      host: z.string().nullable(),
      instance: z.string().nullable(),
      message: z.string(),
    }),
  ),
  session: z.object({
    state: z.string(),
    created_at: z.string(),
    /** What the admin allowed besides live migration, by what keeps an instance from it. */
    policies: z.record(z.string(), z.string()).default({}),
    force_complete: z.boolean().default(false),
  }),
  hosts: z.array(
    z.object({
      hostname: z.string(),
      phase: z.string(),
      outcome: z.string().nullable(),
      started_at: z.string().nullable(),
      finished_at: z.string().nullable(),
    }),
  ),
  instances: z.array(
    z.object({
      instance_id: z.string(),
      instance_name: z.string(),
      host: z.string(),
      destination_host: z.string().nullable(),
      action: z.string().default("LIVE_MIGRATE"),
      state: z.string(),
      finished_at: z.string().nullable(),
    }),
  ),
});

const eventSchema = z.object({
  type: z.string(),
  /** Published with the detail. */
  entity: z.string().default(""),
  at: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

/** Answers of GET /v1/maintenance/{id}/detail and …/events of one session. */
export const sessionStorySchema = z.object({
  detail: detailSchema,
  events: z.array(eventSchema),
});
export type SessionStory = z.infer<typeof sessionStorySchema>;

export type CloudFacts = {
  readonly world: WorldFacts;
  readonly journal: readonly Call[];
  readonly history: readonly ChangeFacts[];
};

/**
 * Reads a simulated cloud.
 *
 * @param url of the simulator, without a path
 */
export const readCloud = async (url: string): Promise<CloudFacts> => {
  const get = async <S extends z.ZodType>(what: string, schema: S): Promise<z.infer<S>> => {
    const response = await fetch(`${url}/_simulator/${what}`);
    return schema.parse(await response.json());
  };
  const { journal } = await get("journal", z.object({ journal: z.array(callSchema) }));
  const { history } = await get("history", z.object({ history: z.array(changeSchema) }));
  return { world: await get("world", worldSchema), journal, history };
};

/** What the owner of an instance agreed to have done with it: by its own account, not by Lull's. */
export type Permission = {
  /** When it was said, in milliseconds. */
  readonly at: number;
  readonly instance_id: string;
  /** MIGRATE, LIVE_MIGRATE, OWN_ACTION; `max_interruption_time` = it has said how long it bears. */
  readonly action: string;
};

export type Story = {
  readonly before: WorldFacts;
  readonly after: WorldFacts;
  /** Accepted calls between the two, the oldest first. */
  readonly journal: readonly Call[];
  /** Changes between the two, the oldest first. */
  readonly history: readonly ChangeFacts[];
  /** Every session that had anything to do with the cloud meanwhile. */
  readonly sessions: readonly SessionStory[];
  readonly permissions: readonly Permission[];
};

/** The story between two readings of one cloud. */
export const storyBetween = (
  before: CloudFacts,
  after: CloudFacts,
  sessions: readonly SessionStory[],
  permissions: readonly Permission[] = [],
): Story => ({
  before: before.world,
  after: after.world,
  journal: after.journal.slice(before.journal.length),
  history: after.history.slice(before.history.length),
  sessions,
  permissions,
});
