import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as z from "zod";
import { type MadePlan, makePlan } from "../../lib/domain/plan/make-plan.ts";
import { OBJECTIVES } from "../../lib/domain/plan/objective.ts";
import type { PlanEvent } from "../../lib/domain/plan/timeline.ts";
import { clusterOf } from "../planner/clusters.ts";

const USAGE = `Plans the maintenance of every host of a cluster and prints the plan as JSON.

usage: npm run -s bench:plan -- CLUSTER.json [options]

  --objective fastest|fewest_moves   what to look for first (fastest)
  --slots N          moves that a host takes part in at once, in and out together (2)
  --work SECONDS     work on an empty host (1800)
  --fix SECONDS      what each move takes, whatever the size of the instance (8)
  --mbps N           MB per second that a move carries besides (1000)
  --max-parallel N   hosts being emptied or at work at once (no limit)
  --same-az          instances stay in their zone

CLUSTER.json: {"hosts":[{"name","az","mem","cpu","used","vcpu"}],
               "vms":[{"name","mem","vcpu","host","aa","sec"}]}
in MB; "used" and "vcpu" of a host are the sums at the start, "host" is an index, "aa" a group whose
members never share a host, or null. Four virtual processors are allowed per core. "sec" is ignored.

In what is printed hosts and instances are given by their index in CLUSTER.json, times in seconds.
`;

/** @throws Error that names each field of `where` that is wrong */
const valid = <Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  where: string,
): z.output<Schema> => {
  const { data, error } = schema.safeParse(given);
  if (error) throw new Error(`${where}: ${z.prettifyError(error)}`);
  return data;
};

const positive = z.coerce.number().positive();
const optionsSchema = z.object({
  objective: z.enum(OBJECTIVES).default("fastest"),
  slots: z.coerce.number().int().positive().default(2),
  work: positive.default(1800),
  fix: z.coerce.number().nonnegative().default(8),
  mbps: positive.default(1000),
  "max-parallel": z.coerce.number().int().positive().nullable().default(null),
  "same-az": z.boolean().default(false),
});

const clusterSchema = z
  .object({
    hosts: z.array(
      z.object({
        name: z.string(),
        az: z.string(),
        mem: z.number().positive(),
        cpu: z.number().positive(),
        used: z.number().nonnegative(),
        vcpu: z.number().nonnegative(),
      }),
    ),
    vms: z.array(
      z.object({
        name: z.string(),
        mem: z.number().nonnegative(),
        vcpu: z.number().nonnegative(),
        host: z.int().nonnegative(),
        aa: z
          .union([z.string(), z.number().transform(String)])
          .nullish()
          .transform((group) => group ?? null),
        sec: z.unknown().transform(() => null),
      }),
    ),
  })
  .refine(({ hosts, vms }) => vms.every(({ host }) => host < hosts.length), {
    message: "every vm has to be on one of the hosts",
    path: ["vms"],
  });

/** What the bench prints, see USAGE. */
const printed = (plan: MadePlan, seconds: number) => ({
  plan_seconds: seconds,
  makespan_seconds: plan.makespan_seconds,
  migrations: plan.migrations,
  complete: plan.blocked.length === 0,
  blocked: plan.blocked.map(({ host, instance, rule }) => ({ host, instance, rule })),
  timeline: plan.timeline.flatMap(eventOf),
});

/** Hosts are opened and closed in the plan only: an outsider sees moves and work. */
const eventOf = (one: PlanEvent): object[] => {
  const { t, event } = one;
  if ("instance" in one) return [{ t, event, vm: one.instance, from: one.from, to: one.to }];
  return event === "host_open" || event === "host_close" ? [] : [{ t, event, host: one.host }];
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    objective: { type: "string" },
    slots: { type: "string" },
    work: { type: "string" },
    fix: { type: "string" },
    mbps: { type: "string" },
    "max-parallel": { type: "string" },
    "same-az": { type: "boolean" },
    help: { type: "boolean", short: "h" },
  },
});
const [file] = positionals;
if (values.help === true) process.stdout.write(USAGE);
else if (file === undefined || positionals.length > 1) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  const { objective, ...options } = valid(optionsSchema, values, "the options");
  const input = valid(clusterSchema, JSON.parse(readFileSync(file, "utf8")), file);
  const { cluster, rules } = clusterOf(input, {
    ...options,
    maxParallel: options["max-parallel"],
    sameAz: options["same-az"],
  });
  const began = performance.now();
  const plan = makePlan(cluster, rules, objective);
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(`${JSON.stringify(printed(plan, seconds))}\n`);
}
