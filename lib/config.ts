import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { networks } from "./egress-networks.ts";
import type { ProxyRules } from "./proxy.ts";

/** A whole number from text, as every environment variable is. */
const whole = (fallback: number, least: number, most: number) =>
  z.coerce.number().int().min(least).max(most).default(fallback);

const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((item) => item.trim())
      .filter(Boolean),
  );

const isNetwork = (text: string): boolean => {
  try {
    return networks([text]) !== null;
  } catch {
    return false;
  }
};

const optional = z
  .string()
  .default("")
  .transform((text) => (text === "" ? null : text));

/** Certificates as they are given: PEM text, or the path of a file of it, as deployments ship it. */
const certificates = (text: string, context: z.RefinementCtx): string => {
  if (text === "" || text.includes("-----BEGIN CERTIFICATE-----")) return text;
  try {
    return readFileSync(resolve(process.env["LAMBDA_TASK_ROOT"] ?? "", text), "utf8");
  } catch {
    // Text of several lines is no path, but perhaps a key.
    const what = text.includes("\n") ? "" : `: ${text}`;
    context.addIssue(`is neither PEM text nor a file that can be read${what}`);
    return z.NEVER;
  }
};

const jsonObject = (text: string, context: z.RefinementCtx): Record<string, unknown> => {
  const parsed = z.record(z.string(), z.unknown()).safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  context.addIssue("is not a JSON object");
  return z.NEVER;
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Whether only this machine can reach the URL. */
export const isLoopback = (url: string): boolean =>
  /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)/i.test(url);

/**
 * Every setting of a deployment. docs/configuration.md explains each; a secret is
 * given by the name of its secret, never by value.
 */
const settingsSchema = z
  .object({
    TABLE_NAME: z.string(),
    BUS_NAME: z.string(),
    SESSION_MACHINE_ARN: z.string(),
    HOST_MACHINE_ARN: z.string(),
    WEBHOOK_KEY: z.string().default(""),
    /** Where AWS's services are when they are not AWS's own: the embedded stack, an emulator. */
    AWS_ENDPOINT_URL: optional,
    LULL_CLOUD: z.string().min(1),
    LULL_REGION: z.string().min(1),
    LULL_CLOUD_SECRET: z.string().min(1),
    LULL_AUTH_URL: z.string(),
    LULL_INTERFACE: z.enum(["public", "internal", "admin"]).default("public"),
    LULL_CA: z.string().default("").transform(certificates),
    LULL_PROXY: optional.pipe(
      z
        .url({ protocol: /^https?$/ })
        .refine((url) => !/\/\/[^/]*@/.test(url), {
          error: "carries a password; give the proxy another way to know Lull",
        })
        .nullable(),
    ),
    LULL_NO_PROXY: list.refine(
      (entries) => entries.every((one) => !one.includes("/") || isNetwork(one)),
      {
        error: "holds what is neither a name nor an address nor a network such as 10.0.0.0/8",
      },
    ),
    LULL_PUBLIC_URL: z.url({ protocol: /^https?$/ }).default("http://127.0.0.1:12347"),
    LULL_ADMIN_ROLE: z.string().min(1).default("admin"),
    LULL_READER_ROLE: optional.refine((role) => role !== "reader" && role !== "member", {
      error: "every user of a cloud has this role: it would show the whole fleet to all",
    }),
    LULL_BREAK_GLASS_SHA256: optional.pipe(
      z
        .string()
        .regex(/^[0-9a-f]{64}$/i, "is not a SHA-256 in hexadecimal")
        .nullable(),
    ),
    LULL_ALLOW_ALL_HOSTS: z.stringbool().default(false),
    LULL_MAX_HOSTS: whole(2000, 1, 2000),
    LULL_MAX_ZONE_PERCENT: whole(100, 1, 100),
    LULL_MAX_CONSTRAINTS: whole(2000, 1, 100_000),
    LULL_MAX_LEAD_SECONDS: whole(3600, 0, 86_400),
    LULL_MAX_RECOVERY_SECONDS: whole(3600, 0, 86_400),
    LULL_MAX_INTERRUPTION_SECONDS: whole(3600, 0, 86_400),
    LULL_EGRESS_ALLOW: list.refine((entries) => entries.every(isNetwork), {
      error: "holds what is no network such as 10.0.0.0/8",
    }),
    LULL_MAX_SUBSCRIPTIONS: whole(10, 0, 100),
    LULL_ALERTMANAGER_URL: optional,
    LULL_ALERTMANAGER_LABEL: z.string().min(1).default("instance"),
    LULL_STATUS_IN_METADATA: z.stringbool().default(false),
    LULL_MASAKARI: z.stringbool().default(false),
    LULL_AODH: z.enum(["direct", "bus", "off"]).default("direct"),
    LULL_HOST_EVENT_PROJECTS: list,
    LULL_AMQP_SECRET: optional,
    LULL_AMQP_FORMAT: z.enum(["v1", "v2"]).default("v2"),
    LULL_AMQP_EXCHANGE: z.string().min(1).default("openstack"),
    LULL_AMQP_TOPIC: z.string().min(1).default("notifications"),
    LULL_AMQP_DURABLE: z.stringbool().default(false),
    LULL_AMQP_QUEUE_ARGUMENTS: z.string().default("{}").transform(jsonObject),
    LULL_POLL_SECONDS: whole(5, 1, 60),
    LULL_MOVES_PER_HOST: whole(2, 1, 10),
    LULL_HOST_MIGRATIONS: whole(1, 1, 10),
    LULL_HEARTBEAT_SECONDS: whole(25, 5, 600),
    LULL_CONFIRM_SECONDS: whole(60, 0, 3600),
    LULL_MIN_NOTICE_MINUTES: whole(0, 0, 43_200),
    LULL_MAX_DEFERS: whole(3, 0, 100),
    LULL_OWN_ACTION_MINUTES: whole(30, 1, 1440),
    LULL_STALL_SECONDS: whole(300, 60, 86_400),
    LULL_DRAIN_MINUTES: whole(240, 1, 10_080),
    LULL_ACTION_MINUTES: whole(240, 1, 10_080),
    LULL_VERIFY_MINUTES: whole(30, 1, 1440),
  })
  .refine(
    ({ LULL_PUBLIC_URL, LULL_AUTH_URL }) =>
      !isLoopback(LULL_PUBLIC_URL) || isLoopback(LULL_AUTH_URL),
    {
      path: ["LULL_PUBLIC_URL"],
      error: "is on loopback and the cloud is not: nobody could report the end of work there",
    },
  )
  .refine(({ LULL_AODH, LULL_AMQP_SECRET }) => LULL_AODH !== "bus" || LULL_AMQP_SECRET !== null, {
    path: ["LULL_AODH"],
    error: "is bus, which needs LULL_AMQP_SECRET",
  });
export type Settings = z.infer<typeof settingsSchema>;

/** How outgoing HTTP leaves: what `LULL_PROXY` and `LULL_NO_PROXY` say. */
export const proxyOf = ({ LULL_PROXY, LULL_NO_PROXY, LULL_CA }: Settings): ProxyRules | null =>
  LULL_PROXY === null ? null : { url: LULL_PROXY, except: LULL_NO_PROXY, ca: LULL_CA };

/** Every name that `parseSettings` knows. */
export const SETTING_NAMES: readonly string[] = Object.keys(settingsSchema.shape);

/**
 * Settings from variables; an empty one counts as not given.
 *
 * @throws Error naming each bad variable
 */
export const parseSettings = (
  variables: Readonly<Record<string, string | undefined>>,
): Settings => {
  const given = Object.entries(variables).filter(([, value]) => value !== "");
  const parsed = settingsSchema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  throw new Error(`bad configuration:\n${z.prettifyError(parsed.error)}`);
};

/**
 * The settings of this process; the only place that reads `process.env`.
 *
 * @throws Error naming each bad variable, at cold start, so that a bad deploy fails its first call
 */
export const readSettings = (): Settings => parseSettings(process.env);
