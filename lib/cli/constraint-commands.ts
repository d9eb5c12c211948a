import {
  type ConstrainedKind,
  type Constraints,
  deleteConstraints,
  findConstraints,
  getConstraints,
  listConstraints,
  putConstraints,
} from "../client/constraints.ts";
import { collect } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { confirm } from "./confirm.ts";
import { tell } from "./control-commands.ts";
import { EXIT, UsageError } from "./exit.ts";
import { wholeNumber } from "./new-maintenance.ts";
import type { OptionName, Values } from "./options.ts";
import { type Column, clean, formatOf, printFields, printRows } from "./output.ts";
import { didYouMean } from "./suggest.ts";
import { showTime } from "./times.ts";

const KINDS = ["instance", "group"] as const;

/** @throws UsageError */
const kindOf = (text: string): ConstrainedKind => {
  const kind = KINDS.find((known) => known === text);
  if (kind) return kind;
  throw new UsageError(`say whose: instance or group, not "${text}"${didYouMean(text, KINDS)}`);
};

const isInstance = (row: Constraints): boolean => "instance_id" in row;

const field = (name: string): Column<Constraints> => ({ name, of: (row) => row[name] });

const head: readonly Column<Constraints>[] = [
  { name: "kind", of: (row) => (isInstance(row) ? "instance" : "group") },
  { name: "id", of: (row) => (isInstance(row) ? row["instance_id"] : row.group_id) },
  { name: "name", of: (row) => (isInstance(row) ? row["instance_name"] : row["group_name"]) },
];

const ofInstance: readonly Column<Constraints>[] = [
  { name: "group", of: (row) => (isInstance(row) ? row.group_id : null) },
  field("lead_time"),
  field("max_interruption_time"),
  field("interruption_stated"),
  field("migration_type"),
];

const ofGroup = [field("max_impacted_members"), field("recovery_time")];

const updated: Column<Constraints> = {
  name: "updated_at",
  of: ({ updated_at }) => updated_at,
  show: ({ updated_at }) => showTime(updated_at),
};

const columnsOf = (row: Constraints): readonly Column<Constraints>[] =>
  isInstance(row)
    ? [...head, ...ofInstance, updated]
    : [...head, ...ofGroup, field("max_instances_per_host"), field("anti_affinity_group"), updated];

const listColumns = [...head, ...ofInstance, ...ofGroup, updated];

const list = async ({ values, terminal, connect }: Context): Promise<number> => {
  formatOf(values);
  const api = await connect();
  const project = values.text("project");
  const rows = await Promise.all(
    (["group", "instance"] as const).map((kind) => collect(listConstraints(api, kind, project))),
  );
  printRows(terminal, values, listColumns, rows.flat());
  return EXIT.done;
};

const show = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  formatOf(values);
  const [kindText = "", id = ""] = args;
  const kind = kindOf(kindText);
  const row = await getConstraints(await connect(), kind, id, values.text("project"));
  printFields(terminal, values, columnsOf(row), row);
  return EXIT.done;
};

type Field = readonly [option: OptionName, field: string];

/** What can be set, by which option. */
const FIELDS: Readonly<Record<ConstrainedKind, readonly Field[]>> = {
  instance: [
    ["name", "instance_name"],
    ["group", "group_id"],
    ["lead-time", "lead_time"],
    ["max-interruption-time", "max_interruption_time"],
    ["migration-type", "migration_type"],
  ],
  group: [
    ["name", "group_name"],
    ["max-impacted-members", "max_impacted_members"],
    ["recovery-time", "recovery_time"],
    ["max-instances-per-host", "max_instances_per_host"],
    ["anti-affinity", "anti_affinity_group"],
    ["no-anti-affinity", "anti_affinity_group"],
  ],
};

const optionsOf = (kind: ConstrainedKind): OptionName[] => FIELDS[kind].map(([option]) => option);
const SETTING = [...new Set([...optionsOf("instance"), ...optionsOf("group")])];

const TYPES = ["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION", "none"] as const;

/** @throws UsageError */
const migrationTypeOf = (text: string): string | null => {
  const type = TYPES.find((known) => known.toLowerCase() === text.toLowerCase());
  if (type !== undefined) return type === "none" ? null : type;
  throw new UsageError(
    `--migration-type is one of ${TYPES.join(", ")}, not "${text}"${didYouMean(text, TYPES)}`,
  );
};

/** What an option says; "none" takes back what was said. */
const wanted = (values: Values, option: OptionName): unknown => {
  const text = values.text(option);
  switch (option) {
    case "anti-affinity":
      return true;
    case "no-anti-affinity":
      return false;
    case "name":
      return text;
    case "group":
      return text === "none" ? null : text;
    case "migration-type":
      return migrationTypeOf(text ?? "");
    default:
      return wholeNumber(values, option, option === "max-impacted-members" ? 1 : 0);
  }
};

/** @throws UsageError for an option of the other kind, or a value that makes no sense */
const changesFrom = (values: Values, kind: ConstrainedKind): Record<string, unknown> => {
  const stray = values.given.find(
    (option) => SETTING.includes(option) && !optionsOf(kind).includes(option),
  );
  if (stray !== undefined) {
    const other = kind === "group" ? "an instance" : "a group";
    throw new UsageError(`--${stray} is a constraint of ${other}`);
  }
  return Object.fromEntries(
    FIELDS[kind]
      .filter(([option]) => values.given.includes(option))
      .map(([option, name]) => [name, wanted(values, option)]),
  );
};

/** What the API adds to what it is told. */
const ADDED = ["project_id", "stated_project_id", "updated_at", "warnings"];

/** A default that is sent would be the owner's word. */
const UNSTATED = ["max_interruption_time", "interruption_stated"];

/** What the project has said so far, without what it has not said itself. */
const saidIn = (row: Constraints): Record<string, unknown> => {
  const unsaid = new Set(row["interruption_stated"] === false ? [...ADDED, ...UNSTATED] : ADDED);
  return Object.fromEntries(Object.entries(row).filter(([name]) => !unsaid.has(name)));
};

const set = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  formatOf(values);
  const [kindText = "", id = ""] = args;
  const kind = kindOf(kindText);
  const changes = changesFrom(values, kind);
  const api = await connect();
  const before = await findConstraints(api, kind, id);
  const said = before === null ? {} : saidIn(before);
  const now = await putConstraints(api, kind, id, { ...said, ...changes });
  for (const { path, message } of now.warnings ?? []) terminal.err(clean(`${path} ${message}`));
  printFields(terminal, values, columnsOf(now), now);
  return EXIT.done;
};

const remove = async (context: Context): Promise<number> => {
  const { values, args, terminal, connect } = context;
  formatOf(values);
  const [kindText = "", id = ""] = args;
  const kind = kindOf(kindText);
  const api = await connect();
  await confirm(terminal, values, `Delete the constraints of ${kind} ${id}?`);
  await deleteConstraints(api, kind, id);
  return tell(context, {}, [`nothing is kept of ${kind} ${id} any more`]);
};

const KIND_NOTE =
  "KIND is instance or group; ID is Nova's for an instance, and for a group any UUID that your project chose.";

export const constraintCommands: readonly Command[] = [
  {
    name: "project constraints list",
    summary: "List what your project has said its instances and groups bear",
    args: [],
    options: ["project", "format", "column"],
    notes: `For members of a project: it needs no role but a token of the project. An instance that is
not listed is given no lead time and is in no group. Times are in seconds.`,
    examples: [
      "project constraints list",
      "project constraints list -f value -c kind,id,lead_time",
      "project constraints list -f json",
    ],
    run: list,
  },
  {
    name: "project constraints show",
    summary: "Show what an instance or a group bears",
    args: ["KIND", "ID"],
    options: ["project", "format", "column"],
    notes: KIND_NOTE,
    examples: [
      "project constraints show instance 6c0f6a33-9a4c-4c52-8d3e-0c6a6f6f1a01",
      "project constraints show group 0b5c7b0e-4c6e-4f0e-9d57-3f1f8a3d2c11 -f value -c recovery_time",
    ],
    run: show,
  },
  {
    name: "project constraints set",
    summary: "Say what an instance or a group bears during maintenance",
    args: ["KIND", "ID"],
    options: [...SETTING, "format", "column"],
    notes: `Options that are not given stay as they are, or have their defaults: a lead time and a longest
interruption of 120 s, one impacted member at a time, 60 s of recovery. What is above the operator's
cap is lowered to it, and told on standard error. The instance must be your project's in Nova.
${KIND_NOTE}`,
    examples: [
      "project constraints set group 0b5c7b0e-4c6e-4f0e-9d57-3f1f8a3d2c11 --max-impacted-members 2 --recovery-time 30",
      "project constraints set instance 6c0f6a33-9a4c-4c52-8d3e-0c6a6f6f1a01 --group 0b5c7b0e-4c6e-4f0e-9d57-3f1f8a3d2c11",
      "project constraints set instance 6c0f6a33-9a4c-4c52-8d3e-0c6a6f6f1a01 --lead-time 40 --migration-type LIVE_MIGRATE",
    ],
    run: set,
  },
  {
    name: "project constraints delete",
    summary: "Forget what an instance or a group bears",
    args: ["KIND", "ID"],
    options: ["yes", "format"],
    notes: `It is no error when there is nothing to forget.
${KIND_NOTE}`,
    examples: ["project constraints delete instance 6c0f6a33-9a4c-4c52-8d3e-0c6a6f6f1a01 --yes"],
    run: remove,
  },
];
