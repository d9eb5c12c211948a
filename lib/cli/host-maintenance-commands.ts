import { ApiError } from "../client/errors.ts";
import {
  getHost,
  type Host,
  type HostFacts,
  patchHost,
  setHostMaintenance,
  unsetHostMaintenance,
} from "../client/hosts.ts";
import type { Api } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { confirm } from "./confirm.ts";
import { reasonFor, tell } from "./control-commands.ts";
import { EXIT, UsageError } from "./exit.ts";
import { policiesFrom, wholeNumber } from "./new-maintenance.ts";
import { formatOf, printFields } from "./output.ts";

const set = async (context: Context): Promise<number> => {
  const { values, terminal, args, connect } = context;
  const reason = reasonFor(context, "host maintenance set");
  formatOf(values);
  const ttl = wholeNumber(values, "ttl");
  const policies = policiesFrom(values);
  const api = await connect();
  const { name, service } = await getHost(api, args[0] ?? "");
  await confirm(
    terminal,
    values,
    `Empty 1 host (${name}, ${service.status}, ${service.state}; its instances are counted before any is moved) and keep it out of service?`,
  );
  const session_id = await setHostMaintenance(api, name, {
    reason,
    ...(ttl !== undefined && { ttl_minutes: ttl }),
    ...(values.flag("accept-duties") && { accept_duties: true }),
    ...(Object.keys(policies).length > 0 && { policies }),
  });
  return tell(context, { session_id }, [
    `${name} is being emptied and then held: session ${session_id}`,
    `watch it: lull maintenance watch ${session_id}`,
    `undo: lull host maintenance unset ${name}`,
  ]);
};

const unset = async (context: Context): Promise<number> => {
  const { values, terminal, args, connect } = context;
  formatOf(values);
  const [name = ""] = args;
  const api = await connect();
  await confirm(terminal, values, `End the maintenance of ${name}: check it and put it back?`);
  const session_id = await unsetHostMaintenance(api, name);
  return tell(context, { session_id }, [
    `${name} is checked and put back; instances that have moved stay where they are`,
    `watch it: lull maintenance watch ${session_id}`,
  ]);
};

const STORAGES = ["local", "shared", "unknown"] as const;

const storageFrom = (text: string | undefined): HostFacts["instance_storage"] | undefined => {
  if (text === undefined) return undefined;
  const known = STORAGES.find((one) => one === text);
  if (known === undefined)
    throw new UsageError(`--storage is one of ${STORAGES.join(", ")}, not "${text}"`);
  return known === "unknown" ? null : known;
};

/** "rack=r7" sets a label, "rack-" removes it. */
const changeFrom = (text: string): readonly [string, string | null] => {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key !== undefined && value !== undefined) return [key, value];
  if (/^[^=]+-$/.test(text)) return [text.slice(0, -1), null];
  throw new UsageError(`"${text}" is neither KEY=VALUE nor KEY-`);
};

const CONFLICT_TRIES = 3;

/** Somebody else may change other facts of the host at the same time: ours are put on top of theirs. */
const patch = async (api: Api, name: string, factsOf: (host: Host) => HostFacts): Promise<Host> => {
  for (let tries = 1; ; tries++) {
    const host = await getHost(api, name);
    try {
      return await patchHost(api, host, factsOf(host));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412 || tries >= CONFLICT_TRIES)
        throw error;
    }
  }
};

const label = async ({ values, terminal, args, connect }: Context): Promise<number> => {
  formatOf(values);
  const [name = "", ...texts] = args;
  const changes = texts.map(changeFrom);
  const storage = storageFrom(values.text("storage"));
  const api = await connect();
  const isChange = changes.length > 0 || storage !== undefined;
  const host = isChange
    ? await patch(api, name, ({ labels }) => ({
        ...(changes.length > 0 && { labels: labelled(labels, changes) }),
        ...(storage !== undefined && { instance_storage: storage }),
      }))
    : await getHost(api, name);
  printFields(
    terminal,
    values,
    (["name", "labels", "instance_storage"] as const).map((field) => ({
      name: field,
      of: (row: Host) => row[field],
    })),
    host,
  );
  return EXIT.done;
};

const labelled = (
  labels: Host["labels"],
  changes: readonly (readonly [string, string | null])[],
): Record<string, string> => {
  const next = new Map(Object.entries(labels));
  for (const [key, value] of changes)
    if (value === null) next.delete(key);
    else next.set(key, value);
  return Object.fromEntries(next);
};

export const hostMaintenanceCommands: readonly Command[] = [
  {
    name: "host maintenance set",
    summary: "Empty a host and keep it out of service until you unset it",
    args: ["HOST"],
    options: ["reason", "ttl", "accept-duties", "policy", "yes", "format"],
    notes: `Opens a session over this one host, whose work is a hold. The same command again is the same session.
It counts as failed, and stays out of service, when --ttl is over.`,
    examples: ["host maintenance set cmp-01 --reason 'replace DIMM'"],
    run: set,
  },
  {
    name: "host maintenance unset",
    summary: "Check a host that was set by hand and put it back",
    args: ["HOST"],
    options: ["yes", "format"],
    examples: ["host maintenance unset cmp-01"],
    run: unset,
  },
  {
    name: "host label",
    summary: "Show or change what you know of a host and its cloud does not tell",
    args: ["HOST"],
    rest: "[KEY=VALUE | KEY-]...",
    options: ["storage", "format", "column"],
    notes: `Labels are what --per counts hosts by (rack=r7), and "hardware" tells which hosts are alike. KEY- removes
one; labels that are not named stay. Without any change the labels are shown.`,
    examples: [
      "host label cmp-01 rack=r7 hardware=r740",
      "host label cmp-01 rack-",
      "host label cmp-01 --storage local",
      "host label cmp-01",
    ],
    run: label,
  },
];
