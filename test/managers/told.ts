import * as z from "zod";

const actionSchema = z.enum(["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"]);
export type Action = z.infer<typeof actionSchema>;

const toldSchema = z.looseObject({
  project_id: z.string(),
  session_id: z.string(),
  state: z.string(),
  /** An address where they are listed, or the instances themselves. */
  instance_ids: z.union([z.url(), z.array(z.string())]),
  /** Left out by Aodh where it is empty. */
  allowed_actions: z.array(actionSchema).default([]),
  actions_at: z.string().nullish(),
  reply_at: z.string().nullish(),
  reply_url: z.url(),
  metadata: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
});
/** What an application manager is told at a time: the detail of `maintenance.scheduled`. */
export type Told = z.infer<typeof toldSchema>;

const alarmSchema = z.looseObject({
  alarm_id: z.string(),
  current: z.literal("alarm"),
  reason_data: z.looseObject({
    type: z.literal("event"),
    event: z.looseObject({
      event_type: z.literal("maintenance.scheduled"),
      traits: z.array(z.tuple([z.string(), z.number(), z.union([z.string(), z.number()])])),
    }),
  }),
});

/** A text trait that is a list or a mapping, as the clients of Doctor and Tacker take it. */
const literal = (value: string | number): unknown =>
  typeof value === "string" && /^[[{]/.test(value) ? JSON.parse(value) : value;

/**
 * Reads the body of Aodh's POST.
 *
 * @throws ZodError, SyntaxError when it is not what real clients understand
 */
export const toldByAlarm = (body: unknown): Told => {
  const { traits } = alarmSchema.parse(body).reason_data.event;
  for (const [name, , value] of traits)
    if (String(value).length > 255) throw new SyntaxError(`Ceilometer would cut ${name}`);
  return toldSchema.parse(
    Object.fromEntries(traits.map(([name, , value]) => [name, literal(value)])),
  );
};

const webhookSchema = z.looseObject({
  type: z.literal("maintenance.scheduled"),
  timestamp: z.string(),
  data: toldSchema,
});

/** Reads the body of a webhook. @throws ZodError */
export const toldByWebhook = (body: unknown): Told => webhookSchema.parse(body).data;
