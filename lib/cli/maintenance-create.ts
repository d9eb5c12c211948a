import { type Host, listHosts } from "../client/hosts.ts";
import {
  createMaintenance,
  getMaintenanceDetail,
  type NewMaintenance,
  type SessionDetail,
} from "../client/maintenance.ts";
import type { Api } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { confirm } from "./confirm.ts";
import { count } from "./counts.ts";
import { EXIT, ExitError } from "./exit.ts";
import { newMaintenanceFrom } from "./new-maintenance.ts";
import type { OptionName } from "./options.ts";
import { formatOf } from "./output.ts";
import { isBlocked, sizeOf } from "./session-text.ts";
import { didYouMean } from "./suggest.ts";
import { showTime } from "./times.ts";
import { intervalOf, watchSession } from "./watch.ts";

/** @throws ExitError naming every host that the inventory does not have */
const findHosts = async (api: Api, names: readonly string[]): Promise<readonly Host[]> => {
  const known = new Map<string, Host>();
  for await (const host of listHosts(api)) if (!host.gone) known.set(host.name, host);
  const missing = names.filter((name) => !known.has(name));
  if (missing.length > 0)
    throw new ExitError(
      missing
        .map((name) => `no host ${name} in the inventory${didYouMean(name, known.keys())}`)
        .concat('"lull host sync --wait" reads the hosts from the cloud again')
        .join("\n"),
      EXIT.blocked,
    );
  return names.flatMap((name) => known.get(name) ?? []);
};

const SHOWN_HOSTS = 10;

const question = (hosts: readonly Host[], { maintenance_at, retire }: NewMaintenance): string => {
  const names = hosts.slice(0, SHOWN_HOSTS).map(({ name }) => name);
  const more = hosts.length > names.length ? ` and ${hosts.length - names.length} more` : "";
  const start = maintenance_at === undefined ? "now" : `from ${showTime(maintenance_at)}`;
  const what = `${count(hosts.length, "host")} (${names.join(", ")}${more}) ${start}`;
  return retire ? `Retire ${what}, for good: their services are deleted?` : `Maintain ${what}?`;
};

/** Pre-flight takes a moment; a service that does not tell of it is not waited for. */
const PREFLIGHT_PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 300;

/** The session once pre-flight has looked at its hosts, or when that takes too long. */
const afterPreflight = async (api: Api, id: string): Promise<SessionDetail> => {
  const until = performance.now() + PREFLIGHT_PATIENCE_MS;
  for (;;) {
    const detail = await getMaintenanceDetail(api, id);
    if (detail.session.preflight_at !== null || performance.now() > until) return detail;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
};

const create = async ({ values, terminal, connect }: Context): Promise<number> => {
  const format = formatOf(values);
  const interval = intervalOf(values);
  const wanted = await newMaintenanceFrom(values, terminal);
  const api = await connect();
  const hosts = await findHosts(api, wanted.hosts);
  await confirm(terminal, values, question(hosts, wanted));
  const id = await createMaintenance(api, wanted);
  const detail = await afterPreflight(api, id);
  if (format === "json") terminal.out(JSON.stringify(detail, null, 2));
  else if (format === "value") terminal.out(id);
  else
    terminal.out(
      `session ${id}: ${sizeOf(hosts.length, detail)}, begins ${showTime(detail.session.maintenance_at)}`,
    );
  if (isBlocked(detail)) return watchSession(api, terminal, id, interval);
  if (values.flag("wait")) return watchSession(api, terminal, id, interval);
  if (terminal.isScreen) terminal.err(`Watch it: lull maintenance watch ${id}`);
  return EXIT.done;
};

/** What a session is described with. */
export const SESSION_OPTIONS: readonly OptionName[] = [
  "host",
  "hosts-file",
  "at",
  "ends-at",
  "action",
  "target",
  "max-parallel",
  "per",
  "canary",
  "no-canary",
  "soak",
  "reserve",
  "cordon-ahead",
  "host-minutes",
  "window",
  "accept-duties",
  "force-complete",
  "retire",
  "policy",
  "workflow",
  "dialogue",
  "emergency",
  "metadata",
  "reason",
  "profile",
];

export const createCommand: Command = {
  name: "maintenance create",
  summary: "Open a maintenance session",
  args: [],
  options: [...SESSION_OPTIONS, "objective", "wait", "interval", "yes", "format"],
  notes: `Each host is emptied by live migration, kept out of service while its actions run, checked and
put back. Before anything is changed, pre-flight names every instance that could not be moved.

Policies: shutoff=migrate|stay|block, error=stay|block, shelved=offload|block, locked=move|block,
device_bound=stop_start|block. Unless told: shutoff=migrate, and block for the others.

Rules of the dialogue: allowed_actions=ACTION,... (all of MIGRATE, LIVE_MIGRATE, OWN_ACTION; or none),
reply_seconds=N (120), scale_seconds=N (900), silent=live|skip (live), not_reached=live|skip (skip),
refused=defer|skip|stop (defer), scale_in=yes|no (yes). In brackets what holds unless told.`,
  examples: [
    "maintenance create --host cmp-01 --reason 'replace DIMM' --action hold --wait",
    "maintenance create --hosts-file rack-7.txt --at 2026-03-01T06:00:00Z --ends-at 2026-03-01T10:00:00Z --max-parallel 2",
    "maintenance create --hosts-file az1.txt --per rack=1 --reserve 2 --soak 30 --policy shutoff=stay",
    "maintenance create --hosts-file az1.txt --ends-at +4h --host-minutes 40 --window 2026-03-02T01:00Z/+4h",
    "maintenance create --hosts-file az1.txt --workflow vnf --dialogue silent=skip --dialogue refused=stop",
    "maintenance create --host cmp-01 --host cmp-02 --action webhook:url=https://work.example/hook --yes",
  ],
  run: create,
};
