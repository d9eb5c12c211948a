import * as z from "zod";
import type { PlanEvent } from "./timeline.ts";

/**
 * One thing that a plan does: `open` a host, so that it takes nothing more and its owners are told;
 * `move` an instance; the `work` on an empty host, until it takes instances again; `close` a host
 * that could not be emptied.
 */
export const operationSchema = z.object({
  /** From 1, in the order of their beginnings. */
  number: z.int(),
  what: z.enum(["open", "move", "work", "close"]),
  /** Of a move, where the instance leaves. */
  host: z.string(),
  instance_id: z.string().nullable(),
  instance_name: z.string().nullable(),
  to: z.string().nullable(),
  /** Seconds from the beginning of the plan. */
  starts_in: z.int(),
  ends_in: z.int(),
});
export type Operation = z.infer<typeof operationSchema>;

/** What the numbers of a plan stand for. */
export type Names = {
  readonly hosts: readonly { readonly name: string }[];
  readonly instances: readonly { readonly id: string }[];
  /** Of instances, for people. */
  readonly names: readonly string[];
};

type Open = Omit<Operation, "number">;

/** The timeline of a plan as what people do one after the other. What ran before begins at 0. */
export const operationsOf = (timeline: readonly PlanEvent[], names: Names): Operation[] => {
  const running = new Map<string, Open>();
  const all: Open[] = [];
  const hostName = (host: number) => names.hosts[host]?.name ?? "";
  const begin = (key: string, t: number, rest: Omit<Open, "starts_in" | "ends_in">) => {
    const operation = { ...rest, starts_in: Math.round(t), ends_in: Math.round(t) };
    all.push(operation);
    running.set(key, operation);
    return operation;
  };
  const end = (key: string, t: number, rest: Omit<Open, "starts_in" | "ends_in">) => {
    const operation = running.get(key) ?? begin(key, 0, rest);
    operation.ends_in = Math.round(t);
  };
  for (const event of timeline) {
    const { key, operation } = describe(event, hostName, names);
    if (event.event === "migrate_end" || event.event === "work_end") end(key, event.t, operation);
    else begin(key, event.t, operation);
  }
  return all
    .map((operation, n) => ({ operation, n }))
    .sort((a, b) => a.operation.starts_in - b.operation.starts_in || a.n - b.n)
    .map(({ operation }, n) => ({ number: n + 1, ...operation }));
};

const NO_INSTANCE = { instance_id: null, instance_name: null, to: null };

const describe = (
  event: PlanEvent,
  hostName: (host: number) => string,
  { instances, names }: Names,
): { key: string; operation: Omit<Open, "starts_in" | "ends_in"> } => {
  switch (event.event) {
    case "host_open":
    case "host_close": {
      const what = event.event === "host_open" ? "open" : "close";
      const operation = { what, host: hostName(event.host), ...NO_INSTANCE } as const;
      return { key: `${what} ${event.host}`, operation };
    }
    case "migrate_start":
    case "migrate_end": {
      const id = instances[event.instance]?.id ?? "";
      return {
        key: `move ${event.instance}`,
        operation: {
          what: "move",
          host: hostName(event.from),
          instance_id: id,
          instance_name: names[event.instance] ?? id,
          to: hostName(event.to),
        },
      };
    }
    case "work_start":
    case "work_end":
      return {
        key: `work ${event.host}`,
        operation: { what: "work", host: hostName(event.host), ...NO_INSTANCE },
      };
  }
};
