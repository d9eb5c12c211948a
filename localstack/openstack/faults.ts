import * as z from "zod";

/** What is done to matching requests, before or after the service has acted. */
const effectSchema = z.discriminatedUnion("kind", [
  /** The service answers so and does nothing. */
  z.object({
    kind: z.literal("error"),
    status: z.int().min(400).max(599),
    message: z.string().optional(),
    /** Seconds. */
    retry_after: z.number().optional(),
    /** As a proxy or keystonemiddleware answers. */
    html: z.boolean().optional(),
  }),
  z.object({ kind: z.literal("delay"), ms: z.number() }),
  /** Neither acts nor answers. */
  z.object({ kind: z.literal("hang") }),
  /** Acts, and never answers. */
  z.object({ kind: z.literal("lose_answer") }),
  /** Acts, and breaks the connection. */
  z.object({ kind: z.literal("reset_after") }),
  /** Breaks the connection without acting. */
  z.object({ kind: z.literal("reset_before") }),
]);
export type Effect = z.infer<typeof effectSchema>;

export const requestFaultSchema = z.object({
  service: z
    .enum([
      "identity",
      "compute",
      "placement",
      "network",
      "block-storage",
      "instance-ha",
      "alertmanager",
    ])
    .optional(),
  method: z.string().optional(),
  /** Regular expression on the path below the service's root, with its query. */
  path: z.string().optional(),
  /** Substring of the body's JSON, e.g. "os-migrateLive" or a host. */
  body: z.string().optional(),
  /** How many more times; without end when absent. */
  times: z.int().positive().optional(),
  /** How often, 0 to 1. */
  probability: z.number().min(0).max(1).optional(),
  effect: effectSchema,
});
export type RequestFault = z.infer<typeof requestFaultSchema>;

/** What happens when a step of a move is carried out; the lab's driver takes the same words. */
const behaviourSchema = z.object({
  /** How long the step takes besides its usual time. */
  seconds: z.number().optional(),
  outcome: z.enum(["ok", "fail", "hang"]).optional(),
});
export type Behaviour = z.infer<typeof behaviourSchema>;

const operationSchema = z.enum([
  /** Live, on the target: fail = refused, other hosts are tried if the scheduler chose. */
  "precheck",
  /** Live, on the target. */
  "pre_migration",
  /** Live, on the source: the transfer; hang = bytes do not fall until aborted or forced. */
  "live_migration",
  /** Cold, on the target: fail leaves the server in ERROR there. */
  "finish_migration",
  "spawn",
]);
export type Operation = z.infer<typeof operationSchema>;

/** By server id, host name or "*", the first found in this order. */
export const driverFaultsSchema = z.record(
  z.string(),
  z.partialRecord(operationSchema, behaviourSchema),
);
export type DriverFaults = z.infer<typeof driverFaultsSchema>;

export type Faults = {
  readonly requests: RequestFault[];
  driver: DriverFaults;
};

export const noFaults = (): Faults => ({ requests: [], driver: {} });

export type RequestFacts = {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
};

/** The first fault that concerns a request; one with `times` is used up. */
export const faultFor = (
  faults: Faults,
  request: RequestFacts,
  random: () => number,
): Effect | undefined => {
  const index = faults.requests.findIndex(
    (fault) =>
      (fault.service === undefined || fault.service === request.service) &&
      (fault.method === undefined || fault.method === request.method) &&
      (fault.path === undefined || new RegExp(fault.path).test(request.path)) &&
      (fault.body === undefined || request.body.includes(fault.body)) &&
      (fault.probability === undefined || random() < fault.probability),
  );
  const fault = faults.requests[index];
  if (!fault) return undefined;
  if (fault.times !== undefined) {
    if (fault.times <= 1) faults.requests.splice(index, 1);
    else faults.requests[index] = { ...fault, times: fault.times - 1 };
  }
  return fault.effect;
};

export const behaviourOf = (
  { driver }: Faults,
  operation: Operation,
  serverId: string,
  host: string,
): Behaviour =>
  [serverId, host, "*"].map((key) => driver[key]?.[operation]).find((it) => it !== undefined) ?? {};
