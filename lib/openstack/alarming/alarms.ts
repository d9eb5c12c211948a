import * as z from "zod";
import { OpenStackError, TransientOpenStackError } from "../errors.ts";
import { call, type ServiceClient } from "../http.ts";
import { pages } from "../paging.ts";

/** One comparison of an event alarm; all of them must hold. */
const conditionSchema = z.object({
  /** "traits.<name>" */
  field: z.string(),
  op: z.string().default("eq"),
  /** How both sides are read: "string" (also when empty), "integer", "float", "boolean", "datetime". */
  type: z
    .string()
    .nullish()
    .transform((type) => type ?? ""),
  value: z
    .union([z.string(), z.number(), z.boolean()])
    .nullish()
    .transform((value) => String(value ?? "")),
});

/** https://docs.openstack.org/aodh/latest/admin/telemetry-alarms.html; aodh/api/controllers/v2/alarms.py */
const alarmSchema = z.object({
  alarm_id: z.string(),
  name: z.string(),
  project_id: z.string(),
  type: z.string(),
  enabled: z.boolean(),
  /** "ok", "alarm", "insufficient data". */
  state: z.string(),
  severity: z.string().default("low"),
  /** Without it an alarm that is in state alarm does not fire again. */
  repeat_actions: z.boolean().default(false),
  /** URLs. Of "trust+https://..." the trust is not shown, so that nobody but Aodh can use it. */
  alarm_actions: z.array(z.string()).default([]),
  event_rule: z.object({
    /** A pattern of fnmatch, e.g. "maintenance.*". */
    event_type: z.string().default("*"),
    query: z.array(conditionSchema).default([]),
  }),
});
export type Alarm = z.infer<typeof alarmSchema>;

/** Whoever made an alarm of another shape than Aodh documents loses that one, nobody else theirs. */
const listedSchema = z.array(
  z.looseObject({ alarm_id: z.string() }).transform((row) => ({
    id: row.alarm_id,
    alarm: alarmSchema.safeParse(row).data ?? null,
  })),
);

const PAGE = 500;

/**
 * GET /v2/alarms: the enabled event alarms of every project. Needs the policy
 * `telemetry:get_alarms:all_projects`. Not every cloud has Aodh: ask `cloud.has("alarming")`.
 */
export const listEventAlarms = async (
  client: ServiceClient,
  { limit = PAGE }: { readonly limit?: number } = {},
): Promise<Alarm[]> => {
  const rows = await pages(async (marker) => {
    const search = searchOf([
      ["all_projects", "true", "boolean"],
      ["type", "event", "string"],
      ["enabled", "true", "boolean"],
    ]);
    search.set("sort", "alarm_id:asc");
    search.set("limit", String(limit));
    if (marker !== undefined) search.set("marker", marker);
    const page = await call(client, `/alarms?${search}`, listedSchema);
    return { rows: page, more: page.length >= limit };
  }, isMarkerGone);
  return rows.flatMap(({ alarm }) => (alarm === null ? [] : [alarm]));
};

/**
 * Each filter is one q.field, q.op, q.value and q.type, in the same order. Without its type "true" is
 * a text, and the database takes it for false.
 */
const searchOf = (filters: readonly (readonly [string, string, string])[]): URLSearchParams => {
  const search = new URLSearchParams();
  for (const [field, value, type] of filters) {
    search.append("q.field", field);
    search.append("q.op", "eq");
    search.append("q.value", value);
    search.append("q.type", type);
  }
  return search;
};

/** Aodh 15 answers a marker that was deleted meanwhile with 500: "Marker X not found." */
const isMarkerGone = (error: unknown): boolean =>
  (error instanceof OpenStackError || error instanceof TransientOpenStackError) &&
  /^marker /i.test(error.detail);
