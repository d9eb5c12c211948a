import { readFile } from "node:fs/promises";
import type { NewMaintenance } from "../client/maintenance.ts";
import { UsageError } from "./exit.ts";
import type { OptionName, Values } from "./options.ts";
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

const wholeNumber = (values: Values, option: OptionName): number | undefined => {
  const text = values.text(option);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`--${option} is a whole number from 1, not "${text}"`);
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
  const maxParallel = wholeNumber(values, "max-parallel");
  const reason = values.text("reason");
  const profile = values.text("profile");
  return {
    hosts: [...new Set(hosts)].filter(Boolean),
    // "Now" is left to the service: its clock decides, not the caller's.
    ...(at !== "now" && { maintenance_at: parseInstant("--at", at, now) }),
    ...(endsAt !== undefined && { ends_at: parseInstant("--ends-at", endsAt, now) }),
    metadata: Object.fromEntries(values.list("metadata").map((text) => pair("--metadata", text))),
    actions: values.list("action").map(parseAction),
    targets: values.list("target").flatMap((names) => names.split(",")),
    ...(maxParallel !== undefined && { max_parallel_hosts: maxParallel }),
    ...(reason !== undefined && { reason }),
    ...(profile !== undefined && { profile }),
  };
};
