import * as z from "zod";
import { OWNER_ACTIONS, type OwnerAction, ownerActionSchema } from "./dialogue/action.ts";
import { type Finding, InvalidError } from "./errors.ts";
import type { GroupClaim } from "./move.ts";

/** Ids of Nova and of a VNFM's own groups: UUIDs of any version, always kept in lower case. */
export const constrainedIdSchema = z.guid().toLowerCase();

const ownedShape = {
  schema: z.literal(1),
  /** Whose token wrote it, whatever the body said. */
  project_id: z.string(),
  /** The project that the body named, which may be another: a note, and nothing goes by it. */
  stated_project_id: z.string().nullable(),
  /** Whether the owner wants a substitute while it suffers; a note. */
  resource_mitigation: z.boolean(),
  updated_at: z.string(),
};

/** What one instance bears, in the names of ETSI FEAT03; times in seconds. */
export const instanceConstraintsSchema = z.object({
  ...ownedShape,
  instance_id: z.string(),
  instance_name: z.string().nullable(),
  group_id: z.string().nullable(),
  /** How long a live migration may interrupt it. */
  max_interruption_time: z.int(),
  /** Whether its owner has said that; otherwise it is the default, and allows nothing. */
  interruption_stated: z.boolean().default(false),
  /** What is done when the owner does not choose; null = it has never said. */
  migration_type: ownerActionSchema.nullable(),
  /** What it needs between being told and being acted on. */
  lead_time: z.int(),
});
export type InstanceConstraints = z.infer<typeof instanceConstraintsSchema>;

/** What a group of instances bears together. */
export const groupConstraintsSchema = z.object({
  ...ownedShape,
  group_id: z.string(),
  group_name: z.string().nullable(),
  anti_affinity_group: z.boolean(),
  /** 0 = no limit. */
  max_instances_per_host: z.int(),
  /** How many may be impacted at the same time. */
  max_impacted_members: z.int().min(1),
  /** Seconds that the group rests after an impact before the next. */
  recovery_time: z.int(),
});
export type GroupConstraints = z.infer<typeof groupConstraintsSchema>;

/** The most that the operator grants a project, in seconds. */
type ConstraintCaps = {
  readonly lead_time: number;
  readonly max_interruption_time: number;
  readonly recovery_time: number;
};

/** No project has so many instances: what is larger means the same. */
const LARGEST_COUNT = 10_000;

/** What holds where the owner says nothing: the values that Tacker sends unless configured. */
const INSTANCE_DEFAULTS = { lead_time: 120, max_interruption_time: 120 };
const GROUP_DEFAULTS = { max_instances_per_host: 0, max_impacted_members: 1, recovery_time: 60 };

/** Nova's longest name. */
const LONGEST_TEXT = 255;

/** Who wrote what, when, under which id of the path. */
export type Writing = {
  readonly id: string;
  readonly project_id: string;
  readonly now: string;
  readonly caps: ConstraintCaps;
};

/** A row to keep, and what of the body was not taken as it was sent. */
export type Read<T> = { readonly constraints: T; readonly warnings: readonly Finding[] };

/**
 * The body of PUT /v1/instance/{id} as real clients send it. Keys it does not know are ignored.
 *
 * @throws InvalidError naming each field whose meaning is unclear
 */
export const readInstance = (
  body: Readonly<Record<string, unknown>>,
  { id, project_id, now, caps }: Writing,
): Read<InstanceConstraints> => {
  const fields = reader(body);
  fields.checkId("instance_id", id);
  const constraints: InstanceConstraints = {
    schema: 1,
    instance_id: id,
    project_id,
    stated_project_id: fields.text("project_id"),
    instance_name: fields.text("instance_name"),
    group_id: fields.id("group_id"),
    max_interruption_time: fields.whole("max_interruption_time", {
      most: caps.max_interruption_time,
      fallback: INSTANCE_DEFAULTS.max_interruption_time,
    }),
    // Whoever writes back what was read says nothing new: the default comes with its mark.
    interruption_stated:
      fields.flag("interruption_stated", true) && fields.isSent("max_interruption_time"),
    migration_type: fields.migrationType("migration_type"),
    resource_mitigation: fields.flag("resource_mitigation", true),
    lead_time: fields.whole("lead_time", {
      most: caps.lead_time,
      fallback: INSTANCE_DEFAULTS.lead_time,
    }),
    updated_at: now,
  };
  return fields.done(constraints);
};

/** The same for PUT /v1/instance_group/{id}. */
export const readGroup = (
  body: Readonly<Record<string, unknown>>,
  { id, project_id, now, caps }: Writing,
): Read<GroupConstraints> => {
  const fields = reader(body);
  fields.checkId("group_id", id);
  const constraints: GroupConstraints = {
    schema: 1,
    group_id: id,
    project_id,
    stated_project_id: fields.text("project_id"),
    group_name: fields.text("group_name"),
    anti_affinity_group: fields.flag("anti_affinity_group", false),
    max_instances_per_host: fields.whole("max_instances_per_host", {
      most: LARGEST_COUNT,
      fallback: GROUP_DEFAULTS.max_instances_per_host,
    }),
    max_impacted_members: fields.whole("max_impacted_members", {
      least: 1,
      most: LARGEST_COUNT,
      fallback: GROUP_DEFAULTS.max_impacted_members,
    }),
    recovery_time: fields.whole("recovery_time", {
      most: caps.recovery_time,
      fallback: GROUP_DEFAULTS.recovery_time,
    }),
    resource_mitigation: fields.flag("resource_mitigation", true),
    updated_at: now,
  };
  return fields.done(constraints);
};

type Bounds = { readonly least?: number; readonly most: number; readonly fallback: number };

/**
 * Reads fields one by one and remembers what was wrong with each. Tacker's documented configuration
 * has commas at the ends of lines, so that it sends `"60,"` and `"True,"`.
 */
const reader = (body: Readonly<Record<string, unknown>>) => {
  const errors: Finding[] = [];
  const warnings: Finding[] = [];

  /** What was sent without its comma; undefined when nothing was. */
  const sent = (path: string): unknown => {
    const value = Object.hasOwn(body, path) ? body[path] : undefined;
    if (typeof value === "string") return value.trim().replace(/,$/, "").trimEnd();
    return value ?? undefined;
  };

  const wrong = (path: string, code: string, message: string): undefined => {
    errors.push({ path, code, message });
  };

  const readAs = (path: string, value: number | boolean | string): void => {
    if (body[path] !== value)
      warnings.push({
        path,
        code: "read_as",
        message: `${JSON.stringify(body[path]).slice(0, LONGEST_TEXT)} is read as ${value}`,
      });
  };

  const id = (path: string): string | null => {
    const value = sent(path);
    if (value === undefined || value === "") return null;
    const parsed = constrainedIdSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    wrong(path, "invalid_id", "must be a UUID");
    return null;
  };

  return {
    id,

    /** An empty text says as little as nothing. */
    isSent: (path: string): boolean => (sent(path) ?? "") !== "",

    /** The body may leave its own id out, but not name another. */
    checkId(path: string, expected: string): void {
      const named = id(path);
      if (named !== null && named !== expected)
        wrong(path, "other_id", "is not the id that the path names");
    },

    /** Names are for people: whatever is no text counts as none. */
    text(path: string): string | null {
      const value = body[path];
      return typeof value === "string" ? value.slice(0, LONGEST_TEXT) : null;
    },

    whole(path: string, { least = 0, most, fallback }: Bounds): number {
      const value = sent(path);
      // A default is no wish of the owner's, and still not above what is granted.
      if (value === undefined) return Math.min(fallback, most);
      const number = numberOf(value);
      if (number === null || number < least) {
        wrong(path, "invalid_number", `must be a whole number of at least ${least}`);
        return fallback;
      }
      if (number > most)
        warnings.push({
          path,
          code: "lowered",
          message: `is above the ${most} that the operator allows, and lowered to it`,
        });
      else readAs(path, number);
      return Math.min(number, most);
    },

    flag(path: string, fallback: boolean): boolean {
      const value = sent(path);
      if (value === undefined) return fallback;
      const word = wordOf(value).toLowerCase();
      if (word !== "true" && word !== "false") wrong(path, "invalid_flag", "must be true or false");
      else readAs(path, word === "true");
      return word === "true";
    },

    /** Doctor's VNFM once called a cold migration MIGRATION, and does not start when that is refused. */
    migrationType(path: string): OwnerAction | null {
      const value = sent(path);
      if (value === undefined || value === "") return null;
      const word = wordOf(value).toUpperCase();
      const parsed = ownerActionSchema.safeParse(word === "MIGRATION" ? "MIGRATE" : word);
      if (!parsed.success) {
        wrong(path, "invalid_value", `must be one of ${OWNER_ACTIONS.join(", ")}`);
        return null;
      }
      readAs(path, parsed.data);
      return parsed.data;
    },

    /** @throws InvalidError naming each field that was wrong */
    done<T>(constraints: T): Read<T> {
      if (errors.length > 0) throw new InvalidError("some fields are wrong", errors);
      return { constraints, warnings };
    },
  };
};

/** Empty for what is neither text nor a truth. */
const wordOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "boolean" ? String(value) : "";

/** Null for what is no whole number. So many digits that they make infinity are a large number. */
const numberOf = (value: unknown): number | null => {
  if (typeof value === "string") return /^\d+$/.test(value) ? Number(value) : null;
  return Number.isSafeInteger(value) ? Number(value) : null;
};

/** What has to be respected when an instance is acted on; times in seconds. */
export type Holding = {
  readonly lead_time: number;
  readonly max_interruption_time: number;
  readonly migration_type: OwnerAction | null;
  readonly group: GroupClaim | null;
};

/** Whoever has said nothing at all is not waited for. */
const UNSAID: Holding = { ...INSTANCE_DEFAULTS, lead_time: 0, migration_type: null, group: null };

/**
 * What holds for an instance, also for one of which its owner has never said anything. A group counts
 * only if it is the one that the instance names and of the same project: the reference may be stale,
 * and anyone may name anything.
 */
export const constraintsOf = (
  instance: InstanceConstraints | null,
  group: GroupConstraints | null,
): Holding => {
  if (instance === null) return UNSAID;
  const { lead_time, max_interruption_time, migration_type, group_id, project_id } = instance;
  const counts = group?.group_id === group_id && group?.project_id === project_id;
  return {
    lead_time,
    max_interruption_time,
    migration_type,
    group: group !== null && counts ? claimOn(group) : null,
  };
};

/**
 * How long the instance may be interrupted, in seconds, as the project that it is of has said itself;
 * null when it has not.
 */
export const statedInterruption = (
  instance: InstanceConstraints | undefined,
  projectId: string | null,
): number | null =>
  instance?.interruption_stated && instance.project_id === projectId
    ? instance.max_interruption_time
    : null;

/** Members that a host bears of a group at once; 0 = as many as there are. */
export const mostPerHost = ({
  anti_affinity_group,
  max_instances_per_host,
}: Pick<GroupConstraints, "anti_affinity_group" | "max_instances_per_host">): number =>
  anti_affinity_group ? Math.max(1, max_instances_per_host) : max_instances_per_host;

const claimOn = ({
  group_id,
  max_impacted_members,
  recovery_time,
}: GroupConstraints): GroupClaim => ({
  id: group_id,
  max_impacted_members,
  recovery_seconds: recovery_time,
});
