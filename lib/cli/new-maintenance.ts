import { readFile } from "node:fs/promises";
import { type NewMaintenance, OBJECTIVES, type Objective } from "../client/maintenance.ts";
import { dialogueFrom } from "./dialogue-rules.ts";
import { UsageError } from "./exit.ts";
import type { OptionName, Values } from "./options.ts";
import { didYouMean } from "./suggest.ts";
import type { Terminal } from "./terminal.ts";
import { parseInstant } from "./times.ts";

const pair = (option: string, text: string): readonly [string, string] => {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`${option}: "${text}" is not KEY=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
};

/**
 * "webhook:url=https://x/hook,ttl_s=3600". A comma separates only where KEY= follows it, so that
 * values may contain commas; whole numbers become numbers.
 */
const parseAction = (
  text: string,
): { readonly plugin: string; readonly metadata: Record<string, string | number> } => {
  const [, plugin = "", rest] = /^([^:]+)(?::(.*))?$/s.exec(text) ?? [];
  if (!plugin) throw new UsageError(`--action: "${text}" is not PLUGIN or PLUGIN:KEY=VALUE,...`);
  const pairs = rest ? rest.split(/,(?=[A-Za-z_][\w.-]*=)/) : [];
  const metadata = pairs.map((one) => {
    const [key, value] = pair("--action", one);
    return [key, /^-?\d{1,15}$/.test(value) ? Number(value) : value] as const;
  });
  return { plugin, metadata: Object.fromEntries(metadata) };
};

const hostsOfFile = async (path: string, terminal: Terminal): Promise<readonly string[]> => {
  try {
    const text = path === "-" ? await terminal.readInput() : await readFile(path, "utf8");
    return text
      .split("\n")
      .map((line) => line.replace(/#.*/, "").trim())
      .filter(Boolean);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--hosts-file: ${why}`, { cause });
  }
};

/** @throws UsageError */
export const wholeNumber = (
  values: Values,
  option: OptionName,
  least: 0 | 1 = 1,
): number | undefined => {
  const text = values.text(option);
  if (text === undefined) return undefined;
  if (/^(0|[1-9]\d{0,5})$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`--${option} is a whole number from ${least}, not "${text}"`);
};

/** "--policy shutoff=stay", any number of them. @throws UsageError */
export const policiesFrom = (values: Values): Record<string, string> =>
  Object.fromEntries(values.list("policy").map((text) => pair("--policy", text)));

const perFrom = (values: Values): Record<string, number> =>
  Object.fromEntries(
    values.list("per").map((text) => {
      const [name, most] = pair("--per", text);
      if (/^[1-9]\d{0,2}$/.test(most)) return [name, Number(most)];
      throw new UsageError(`--per: "${text}" is not NAME=N such as zone=1`);
    }),
  );

/** "2026-03-02T01:00Z/+4h": a + in the end counts from the start. */
const windowFrom = (text: string, now: number) => {
  const [start = "", end, ...more] = text.split("/");
  if (end === undefined || more.length > 0)
    throw new UsageError(`--window: "${text}" is not START/END`);
  const starts_at = parseInstant("--window", start, now);
  const from = end.startsWith("+") ? Date.parse(starts_at) : now;
  const ends_at = parseInstant("--window", end, from);
  if (ends_at <= starts_at) throw new UsageError(`--window: "${text}" ends before it starts`);
  return { starts_at, ends_at };
};

const canaryFrom = (values: Values): boolean | undefined => {
  const [yes, no] = [values.flag("canary"), values.flag("no-canary")];
  if (yes && no) throw new UsageError("--canary and --no-canary exclude each other");
  return yes || no ? yes : undefined;
};

const STYLES = ["default", "vnf"] as const;

const workflowFrom = (values: Values): (typeof STYLES)[number] | undefined => {
  const text = values.text("workflow");
  const style = STYLES.find((known) => known === text);
  if (text === undefined || style !== undefined) return style;
  throw new UsageError(`--workflow is one of ${STYLES.join(", ")}, not "${text}"`);
};

/** What the order of hosts is to spare. @throws UsageError */
export const objectiveFrom = (values: Values): Objective | undefined => {
  const text = values.text("objective");
  const objective = OBJECTIVES.find((known) => known === text);
  if (text === undefined || objective !== undefined) return objective;
  throw new UsageError(
    `--objective is one of ${OBJECTIVES.join(", ")}, not "${text}"${didYouMean(text, OBJECTIVES)}`,
  );
};

type Brakes = Omit<NewMaintenance, "hosts">;

/** What is not given is left to the service, whose profile has a default for it. */
const brakesFrom = (values: Values): Brakes => {
  const maxParallel = wholeNumber(values, "max-parallel");
  const canary = canaryFrom(values);
  const soak = wholeNumber(values, "soak", 0);
  const reserve = wholeNumber(values, "reserve", 0);
  const cordonAhead = wholeNumber(values, "cordon-ahead", 0);
  const per = perFrom(values);
  return {
    ...(maxParallel !== undefined && { max_parallel_hosts: maxParallel }),
    ...(canary !== undefined && { canary }),
    ...(soak !== undefined && { soak_minutes: soak }),
    ...(reserve !== undefined && { reserve_hosts: reserve }),
    ...(cordonAhead !== undefined && { cordon_ahead: cordonAhead }),
    ...(Object.keys(per).length > 0 && { max_parallel_per: per }),
  };
};

/** When it may go on, what may be done to hosts and instances, and how their owners are asked. */
const boundsFrom = (values: Values, now: number): Brakes => {
  const hostMinutes = wholeNumber(values, "host-minutes");
  const windows = values.list("window").map((text) => windowFrom(text, now));
  const policies = policiesFrom(values);
  const dialogue = dialogueFrom(values.list("dialogue").map((text) => pair("--dialogue", text)));
  const workflow = workflowFrom(values);
  const emergency = values.text("emergency");
  return {
    ...(hostMinutes !== undefined && { host_minutes: hostMinutes }),
    ...(windows.length > 0 && { next_windows: windows }),
    ...(values.flag("accept-duties") && { accept_duties: true }),
    ...(values.flag("force-complete") && { force_complete: true }),
    ...(values.flag("retire") && { retire: true }),
    ...(Object.keys(policies).length > 0 && { policies }),
    ...(Object.keys(dialogue).length > 0 && { dialogue }),
    ...(workflow !== undefined && { workflow }),
    ...(emergency !== undefined && { emergency }),
  };
};

/**
 * What the command line asks for. An empty list of hosts is refused here: it is far more often a
 * script that found nothing than the wish to maintain everything.
 *
 * @throws UsageError
 */
export const newMaintenanceFrom = async (
  values: Values,
  terminal: Terminal,
): Promise<NewMaintenance> => {
  const file = values.text("hosts-file");
  const named = values.list("host").flatMap((names) => names.split(",").map((name) => name.trim()));
  const hosts = [...named, ...(file === undefined ? [] : await hostsOfFile(file, terminal))];
  if (hosts.length === 0)
    throw new UsageError(
      file === undefined ? "name the hosts with --host or --hosts-file" : `${file} names no host`,
    );
  const now = terminal.now();
  const at = values.text("at") ?? "now";
  const endsAt = values.text("ends-at");
  const reason = values.text("reason");
  const profile = values.text("profile");
  const objective = objectiveFrom(values);
  return {
    hosts: [...new Set(hosts)].filter(Boolean),
    // "Now" is left to the service: its clock decides, not the caller's.
    ...(at !== "now" && { maintenance_at: parseInstant("--at", at, now) }),
    ...(endsAt !== undefined && { ends_at: parseInstant("--ends-at", endsAt, now) }),
    metadata: Object.fromEntries(values.list("metadata").map((text) => pair("--metadata", text))),
    actions: values.list("action").map(parseAction),
    targets: values.list("target").flatMap((names) => names.split(",")),
    ...brakesFrom(values),
    ...boundsFrom(values, now),
    ...(objective !== undefined && { objective }),
    ...(reason !== undefined && { reason }),
    ...(profile !== undefined && { profile }),
  };
};
