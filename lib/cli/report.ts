import * as z from "zod";
import { type Host, listHosts } from "../client/hosts.ts";
import {
  getMaintenanceDetail,
  type HostRun,
  type Instance,
  listMaintenanceEvents,
  type SessionDetail,
  type SessionEvent,
} from "../client/maintenance.ts";
import { type Api, collect } from "../client/request.ts";
import { type Explained, explained } from "./explain.ts";
import type { Values } from "./options.ts";
import { resultOf } from "./session-text.ts";
import { staysChanged } from "./stays-changed.ts";
import { waitsOf } from "./waits.ts";

const secondsBetween = (
  from: string | null | undefined,
  to: string | null | undefined,
): number | null => (from && to ? Math.round((Date.parse(to) - Date.parse(from)) / 1000) : null);

/** What somebody ordered: who, when, in what words. */
type Order = {
  readonly at: string;
  readonly what: string;
  readonly by: string;
  readonly reason: string | null;
};

const holdSchema = z.object({
  code: z.string(),
  by: z.string(),
  at: z.string(),
  reason: z.string(),
});
const controlSchema = z.object({
  holds: z.array(holdSchema).default([]),
  order: z
    .object({ what: z.string(), host: z.string().nullish(), by: z.string(), reason: z.string() })
    .nullish(),
});

const DONE: Readonly<Record<string, string>> = {
  pause: "paused",
  resume: "resumed",
  abort: "aborted",
  delete: "deleted",
  retry: "retried",
  release: "released",
};

/** Who stopped, steered and started the session, the breaker included, as its history tells. */
const ordersIn = (events: readonly SessionEvent[]): readonly Order[] => {
  const trips = new Set<string>();
  return events.flatMap(({ type, detail, at }) => {
    const seen = controlSchema.safeParse(detail);
    if (type !== "maintenance.session" || !seen.success) return [];
    const { holds, order } = seen.data;
    const tripped = holds.filter((hold) => hold.code === "breaker" && !trips.has(hold.at));
    for (const hold of tripped) trips.add(hold.at);
    return [
      ...tripped.map((hold) => ({
        at: hold.at,
        what: "paused",
        by: hold.code,
        reason: hold.reason,
      })),
      ...(order ? [orderOf(order, at)] : []),
    ];
  });
};

const orderOf = (
  { what, host, by, reason }: NonNullable<z.infer<typeof controlSchema>["order"]>,
  at: string,
): Order => ({
  at,
  what: [DONE[what] ?? what, host].filter(Boolean).join(" "),
  by,
  reason: reason || null,
});

const hostReport = (run: HostRun, host: Host | undefined) => ({
  host: run.hostname,
  phase: run.phase,
  outcome: run.outcome ?? null,
  started_at: run.started_at ?? null,
  finished_at: run.finished_at ?? null,
  seconds: secondsBetween(run.started_at, run.finished_at),
  work_seconds: secondsBetween(run.work_started_at, run.work_ended_at),
  instances: run.instances_total ?? null,
  version_before: run.hypervisor_version ?? null,
  version_now: host?.hypervisor?.version ?? null,
  details: run.details ?? null,
});

const moveReport = (row: Instance) => ({
  instance_id: row.instance_id,
  name: row.instance_name ?? null,
  project_id: row.project_id ?? null,
  state: row.state,
  action: row.action ?? null,
  from: row.host ?? null,
  to: row.destination_host ?? null,
  tries: row.tries ?? null,
  seconds: secondsBetween(row.started_at, row.finished_at),
});

/** What went wrong, in the words it was told in. */
const failuresIn = ({ hosts, instances }: SessionDetail) => [
  ...hosts
    .filter(({ outcome, details }) => details && (outcome === "failed" || outcome === "restored"))
    .map(({ hostname, details }) => ({ object: hostname, words: details ?? "" })),
  ...instances.flatMap((row) => {
    const object = [row.host, row.instance_name || row.instance_id].filter(Boolean).join(" / ");
    return [
      ...row.refusals.map(({ host, times, why }) => ({
        object,
        words: `refused by ${host}, ${times}x: ${why}`,
      })),
      ...(row.details && row.state !== "moved" ? [{ object, words: row.details }] : []),
    ];
  }),
];

/** Everything that whoever takes over has to know of a session. */
const reportOf = (
  detail: SessionDetail,
  events: readonly SessionEvent[],
  inventory: readonly Host[],
) => {
  const { session, session_id } = detail;
  return {
    session_id,
    reason: session.reason ?? null,
    profile: session.profile ?? null,
    state: session.state,
    control: detail.control,
    result: detail.result ?? null,
    summary: resultOf(detail),
    created_by: session.created_by ?? null,
    created_at: session.created_at,
    maintenance_at: session.maintenance_at,
    ends_at: session.ends_at ?? null,
    closed_at: session.closed_at ?? null,
    hosts: detail.hosts.map((run) =>
      hostReport(
        run,
        inventory.find(({ name }) => name === run.hostname),
      ),
    ),
    instances: detail.instances.map(moveReport),
    orders: ordersIn(events),
    failures: failuresIn(detail),
    attention: waitsOf(detail),
    stays_changed: staysChanged(detail),
  };
};
export type Report = ReturnType<typeof reportOf> & { readonly effects?: readonly Explained[] };

/** With --explain also every call to OpenStack. */
export const readReport = async (api: Api, values: Values, id: string): Promise<Report> => {
  const [detail, events, inventory] = await Promise.all([
    getMaintenanceDetail(api, id),
    collect(listMaintenanceEvents(api, id)),
    collect(listHosts(api)),
  ]);
  const report = reportOf(detail, events, inventory);
  if (!values.flag("explain")) return report;
  return { ...report, effects: await explained(api, values, detail, detail.hosts) };
};
