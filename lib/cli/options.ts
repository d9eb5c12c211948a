import { parseArgs } from "node:util";
import { UsageError } from "./exit.ts";
import { didYouMean } from "./suggest.ts";

type Option = {
  readonly type: "string" | "boolean";
  readonly help: string;
  /** What stands for the value in help. */
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: boolean;
};

/** Every option of every command: one name means one thing everywhere, and may stand anywhere. */
export const OPTIONS = {
  "os-cloud": {
    type: "string",
    value: "NAME",
    help: "cloud of clouds.yaml whose user you are (OS_CLOUD, or OS_AUTH_URL and the other OS_*)",
  },
  endpoint: {
    type: "string",
    value: "URL",
    help: "address of Lull's API (LULL_ENDPOINT, service maintenance of the catalog, http://127.0.0.1:12347)",
  },
  format: { type: "string", short: "f", value: "FORMAT", help: "table, json or value" },
  column: {
    type: "string",
    short: "c",
    value: "COLUMN",
    multiple: true,
    help: "only this column; repeat it, or separate names by commas",
  },
  help: { type: "boolean", short: "h", help: "this help, or that of a command" },
  version: { type: "boolean", help: "the version of this command" },

  "engine-user": {
    type: "string",
    value: "ID",
    help: "id of the user as whom Lull's engine works; yours unless told",
  },
  all: { type: "boolean", help: "also what is gone from the cloud; every operation of a plan" },
  objective: {
    type: "string",
    value: "WHAT",
    help: "what the order of hosts is to spare: fastest (unless told) or fewest_moves; of a session, its own",
  },
  plan: { type: "string", value: "ID", help: "a plan that was made before, instead of a new one" },
  project: {
    type: "string",
    value: "ID",
    help: "id of the project; that of your token unless you may see every one",
  },
  state: {
    type: "string",
    value: "STATE",
    help: "only what is asked in this state, such as SCALE_IN or PLANNED_MAINTENANCE",
  },
  until: {
    type: "string",
    value: "TIME",
    help: "when it would suit: +2h, or 2026-03-01T22:00:00Z",
  },
  name: { type: "string", value: "NAME", help: "name for people" },
  group: { type: "string", value: "ID", help: "group that the instance is a member of, or none" },
  "lead-time": {
    type: "string",
    value: "SECONDS",
    help: "what the instance needs between being told and being acted on",
  },
  "max-interruption-time": {
    type: "string",
    value: "SECONDS",
    help: "how long a live migration may interrupt the instance",
  },
  "migration-type": {
    type: "string",
    value: "TYPE",
    help: "what is done when you do not choose: MIGRATE, LIVE_MIGRATE, OWN_ACTION or none",
  },
  "max-impacted-members": {
    type: "string",
    value: "N",
    help: "how many members of the group may be impacted at once",
  },
  "recovery-time": {
    type: "string",
    value: "SECONDS",
    help: "how long the group rests after an impact before the next",
  },
  "max-instances-per-host": {
    type: "string",
    value: "N",
    help: "members of the group on one host, 0 for no limit",
  },
  "anti-affinity": { type: "boolean", help: "members of the group must not share a host" },
  "no-anti-affinity": { type: "boolean", help: "members of the group may share a host" },
  region: { type: "string", value: "REGION", help: "only this region" },
  wait: { type: "boolean", help: "stay until it is over; the exit code tells how it ended" },
  yes: { type: "boolean", short: "y", help: "do not ask" },
  interval: { type: "string", value: "SECONDS", help: "time between two looks, 2 unless told" },
  explain: {
    type: "boolean",
    help: "also each call to OpenStack: the equal openstack command, and the id its logs have it under",
  },
  event: {
    type: "string",
    value: "TYPE",
    multiple: true,
    help: "maintenance.scheduled, which it is unless told, or maintenance.override; repeat it for both",
  },
  description: { type: "string", value: "TEXT", help: "what it is, for whoever lists them" },
  since: { type: "string", value: "TIME", help: "from when on, such as 2026-03-01T06:00:00Z" },
  events: { type: "boolean", help: "also what has happened so far" },
  data: {
    type: "string",
    value: "DIR",
    help: "folder that Lull keeps its data in, as given to npm start (~/.local/share/lull)",
  },
  force: {
    type: "boolean",
    help: "also where a database is: it is put aside under a name with the instant",
  },

  host: { type: "string", value: "HOST", multiple: true, help: "a host to maintain; repeat it" },
  "hosts-file": {
    type: "string",
    value: "FILE",
    help: "file with one host per line, # begins a comment; - reads standard input",
  },
  at: {
    type: "string",
    value: "TIME",
    help: "when to begin: now (unless told), +30m, +1h30m, +2d, or 2026-03-01T06:00:00Z",
  },
  "ends-at": {
    type: "string",
    value: "TIME",
    help: "end of the window: no host is begun after it; + counts from now, too",
  },
  action: {
    type: "string",
    value: "PLUGIN[:KEY=VALUE,...]",
    multiple: true,
    help: "work to do on each empty host: webhook or hold; repeat it, they run in this order",
  },
  target: {
    type: "string",
    value: "HOST",
    multiple: true,
    help: "only host that instances may move to; repeat it",
  },
  per: {
    type: "string",
    value: "NAME=N",
    multiple: true,
    help: "at most N hosts out of service at a time that share a zone, a cell or a label; repeat it",
  },
  canary: {
    type: "boolean",
    help: "the first host of each kind goes alone (default in production)",
  },
  "no-canary": { type: "boolean", help: "no host goes alone" },
  soak: {
    type: "string",
    value: "MINUTES",
    help: "how long the canary bears an instance; until then its kind goes one at a time; 10 in production",
  },
  reserve: {
    type: "string",
    value: "N",
    help: "keep room for the N largest hosts of each zone, 1 in production",
  },
  "cordon-ahead": {
    type: "string",
    value: "N",
    help: "disable the next N hosts early, so that nothing new lands on them",
  },
  "host-minutes": {
    type: "string",
    value: "MINUTES",
    help: "how long a host takes: none is begun that would not end before the window does",
  },
  window: {
    type: "string",
    value: "START/END",
    multiple: true,
    help: "a further window to go on in, such as 2026-03-02T01:00Z/+4h; repeat it",
  },
  "accept-duties": {
    type: "boolean",
    help: "also hosts that do more than compute (network gateway, storage)",
  },
  "force-complete": {
    type: "boolean",
    help: "pause an instance whose move does not get on, for no longer than its owner has said",
  },
  retire: { type: "boolean", help: "the hosts do not come back: their services are deleted" },
  policy: {
    type: "string",
    value: "CLASS=WHAT",
    multiple: true,
    help: "what is done with instances that live migration cannot take away; repeat it",
  },
  workflow: {
    type: "string",
    value: "STYLE",
    help: "how owners are asked: default (a list of instances) or vnf (each by itself)",
  },
  dialogue: {
    type: "string",
    value: "RULE=WHAT",
    multiple: true,
    help: "how the session talks with the owners of instances; repeat it",
  },
  emergency: {
    type: "string",
    value: "REASON",
    help: "why owners get less notice than they are promised",
  },
  ttl: {
    type: "string",
    value: "MINUTES",
    help: "how long it may take before it counts as failed",
  },
  storage: {
    type: "string",
    value: "WHERE",
    help: "where disks of instances lie: local, shared or unknown",
  },
  "max-parallel": {
    type: "string",
    value: "N",
    help: "hosts out of service at a time, 1 unless told",
  },
  metadata: {
    type: "string",
    value: "KEY=VALUE",
    multiple: true,
    help: "told to the projects; repeat it",
  },
  reason: {
    type: "string",
    value: "TEXT",
    help: "why, for the people who will read it; pause, abort, freeze, set and nack need it",
  },
  profile: {
    type: "string",
    value: "PROFILE",
    help: "production (unless told), or doctor: no brakes",
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

/** What every command understands. */
export const GLOBAL_OPTIONS: readonly OptionName[] = ["os-cloud", "endpoint", "help", "version"];

const names = Object.keys(OPTIONS).map((name) => `--${name}`);
const isOptionName = (name: string): name is OptionName => Object.hasOwn(OPTIONS, name);

/** What was given on the command line, by option. */
export type Values = {
  readonly text: (name: OptionName) => string | undefined;
  /** In the order given. */
  readonly list: (name: OptionName) => readonly string[];
  readonly flag: (name: OptionName) => boolean;
  /** The options that were given. */
  readonly given: readonly OptionName[];
};

/**
 * Splits a command line into words and options.
 *
 * @throws UsageError for an option that does not exist, lacks its value or has one too many
 */
export const parseCommandLine = (
  argv: readonly string[],
): { readonly words: readonly string[]; readonly values: Values } => {
  const { tokens } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words: string[] = [];
  const values = new Map<OptionName, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const name = knownOption(token.name, token.rawName);
    const value = checkValue(name, token.rawName, token.value, token.inlineValue ?? false);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return {
    words,
    values: {
      text: (name) => values.get(name)?.at(-1),
      list: (name) => values.get(name) ?? [],
      flag: (name) => values.has(name),
      given: [...values.keys()],
    },
  };
};

const knownOption = (name: string, written: string): OptionName => {
  if (isOptionName(name)) return name;
  throw new UsageError(`there is no option ${written}${didYouMean(written, names)}`);
};

const checkValue = (
  name: OptionName,
  written: string,
  value: string | undefined,
  inline: boolean,
): string => {
  const option: Option = OPTIONS[name];
  if (option.type === "boolean") {
    if (value === undefined) return "";
    throw new UsageError(`${written} takes no value`);
  }
  if (value === undefined || value === "" || (!inline && /^-./.test(value)))
    throw new UsageError(`${written} needs a value: ${written} ${option.value}`);
  return value;
};

/** @throws UsageError for an option that exists but not here */
export const checkOptions = (
  values: Values,
  command: string,
  accepted: readonly OptionName[],
): void => {
  const known = [...GLOBAL_OPTIONS, ...accepted];
  const stray = values.given.find((name) => !known.includes(name));
  if (stray !== undefined)
    throw new UsageError(
      `"lull ${command}" has no option --${stray}; see "lull ${command} --help"`,
    );
};
