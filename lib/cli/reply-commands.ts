import {
  getProjectMaintenance,
  type NewReply,
  type ProjectAsk,
  type ProjectView,
  putReply,
  type TakenReply,
} from "../client/projects.ts";
import type { Api } from "../client/request.ts";
import { instanceAmong, isOfInstances, namesOf } from "./asks.ts";
import type { Command, Context } from "./command.ts";
import { reasonFor } from "./control-commands.ts";
import { EXIT, ExitError, UsageError } from "./exit.ts";
import { clean, formatOf } from "./output.ts";
import { projectOf, sessionOf } from "./project-session.ts";
import { didYouMean } from "./suggest.ts";
import { parseInstant, showTime } from "./times.ts";

/** A session of the project, as far as it concerns the project. */
type Opened = {
  readonly api: Api;
  readonly id: string;
  readonly project: string;
  readonly view: ProjectView;
};

const open = async (context: Context): Promise<Opened> => {
  formatOf(context.values);
  const api = await context.connect();
  const project = await projectOf(api, context);
  const id = await sessionOf(api, project, context.args[0] ?? "");
  return { api, id, project, view: await getProjectMaintenance(api, id, project) };
};

const nothingAsked = ({ id }: Opened): ExitError =>
  new ExitError(
    `nothing is asked of your project in session ${id} now: either it has not been yet, or an answer would come too late`,
    EXIT.failed,
  );

const STATES = [
  "MAINTENANCE",
  "SCALE_IN",
  "PREPARE_MAINTENANCE",
  "PLANNED_MAINTENANCE",
  "MAINTENANCE_COMPLETE",
] as const;

/** @throws UsageError */
const stateFrom = ({ values }: Context): string | undefined => {
  const text = values.text("state");
  if (text === undefined) return undefined;
  const state = STATES.find((known) => known === text.toUpperCase());
  if (state) return state;
  throw new UsageError(
    `--state is one of ${STATES.join(", ")}, not "${text}"${didYouMean(text.toUpperCase(), STATES)}`,
  );
};

/**
 * The asks that are meant: those about the instances, or in the state, that the command line names.
 * Where it names neither, those that are not answered yet, so that no answer is changed by accident.
 */
const meantBy = (
  opened: Opened,
  asks: readonly ProjectAsk[],
  { state, instances }: { state: string | undefined; instances: readonly string[] },
): readonly ProjectAsk[] => {
  const ofState = asks.filter((ask) => state === undefined || ask.state === state);
  if (ofState.length === 0) throw nothingAsked(opened);
  if (instances.length > 0) {
    const ids = instances.map((text) => instanceAmong(opened.view, ofState, text));
    return ofState.filter(({ instance_ids }) => instance_ids.some((id) => ids.includes(id)));
  }
  if (state !== undefined) return ofState;
  const due = ofState.filter(({ answer }) => !answer);
  if (due.length > 0) return due;
  throw new ExitError(
    "all that is asked has been answered; to change an answer, name instances or the state",
    EXIT.failed,
  );
};

/** What is said, without the state that it is said to. */
type Word = Omit<NewReply, "state"> & { readonly yes: boolean };
type Told = { readonly reply: TakenReply; readonly asks: readonly ProjectAsk[] };

/**
 * One request for each state where all that is asked in it is meant, else one for each ask, by an
 * instance of it.
 */
const sayTo = async (
  { api, id, project, view }: Opened,
  asks: readonly ProjectAsk[],
  { yes, ...word }: Word,
): Promise<Told[]> => {
  const told: Told[] = [];
  for (const [state, meant] of Map.groupBy(asks, (ask) => ask.state)) {
    const reply = { state: `${yes ? "ACK" : "NACK"}_${state}`, ...word };
    const isAll = view.asks.every((ask) => ask.state !== state || meant.includes(ask));
    const parts = isAll ? [meant] : meant.map((ask) => [ask]);
    for (const part of parts) {
      const instance = isAll ? null : (part[0]?.instance_ids[0] ?? null);
      told.push({ reply: await putReply(api, { id, project, instance }, reply), asks: part });
    }
  }
  return told;
};

const outcomeOf = ({ applied, too_late }: TakenReply): string => {
  if (applied) return "taken";
  return too_late ? "too late: what is done is decided already" : "nothing was asked";
};

/** @returns the exit code: failed when an answer was not taken */
const report = ({ values, terminal }: Context, { view }: Opened, told: readonly Told[]): number => {
  const answers = told.map(({ reply, asks }) => ({
    ...reply,
    instance_ids: asks.flatMap(({ instance_ids }) => instance_ids),
  }));
  if (formatOf(values) === "json") terminal.out(JSON.stringify(answers, null, 2));
  else
    for (const answer of answers)
      terminal.out(
        clean(`${answer.state} for ${namesOf(view, answer.instance_ids)}: ${outcomeOf(answer)}`),
      );
  return answers.every(({ applied }) => applied) ? EXIT.done : EXIT.failed;
};

const ack = async (context: Context): Promise<number> => {
  const named = { state: stateFrom(context), instances: context.args.slice(1) };
  const opened = await open(context);
  const asks = meantBy(opened, opened.view.asks, named);
  return report(context, opened, await sayTo(opened, asks, { yes: true }));
};

const nack = async (context: Context): Promise<number> => {
  const named = { state: stateFrom(context), instances: context.args.slice(1) };
  const reason = reasonFor(context, "project nack");
  const opened = await open(context);
  const asks = meantBy(opened, opened.view.asks, named);
  return report(context, opened, await sayTo(opened, asks, { yes: false, reason }));
};

const defer = async (context: Context): Promise<number> => {
  const { values, terminal, args } = context;
  const text = values.text("until");
  if (text === undefined) throw new UsageError('"lull project defer" needs --until TIME');
  const not_before = parseInstant("--until", text, terminal.now());
  if (Date.parse(not_before) <= terminal.now())
    throw new UsageError(`--until: ${showTime(not_before)} is over`);
  const opened = await open(context);
  const asks = meantBy(opened, opened.view.asks.filter(isOfInstances), {
    state: undefined,
    instances: args.slice(1),
  });
  const reason = values.text("reason");
  const word = { yes: false, not_before, ...(reason !== undefined && { reason }) };
  return report(context, opened, await sayTo(opened, asks, word));
};

const ACTIONS = ["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"] as const;

/** "web-1=LIVE_MIGRATE"; a name may hold a = itself. @throws UsageError */
const choiceFrom = (text: string) => {
  const at = text.lastIndexOf("=");
  if (at < 1) throw new UsageError(`"${text}" is not INSTANCE=ACTION`);
  const wanted = text.slice(at + 1);
  const action = ACTIONS.find((known) => known === wanted.toUpperCase());
  if (action !== undefined) return { instance: text.slice(0, at), action };
  throw new UsageError(
    `an action is one of ${ACTIONS.join(", ")}, not "${wanted}"${didYouMean(wanted.toUpperCase(), ACTIONS)}`,
  );
};

/** What was chosen before in these asks; it stands where nothing else is chosen now. */
const chosenIn = (asks: readonly ProjectAsk[]): Record<string, string> =>
  Object.assign({}, ...asks.map(({ answer }) => answer?.instance_actions ?? {}));

const choose = async (context: Context): Promise<number> => {
  const choices = context.args.slice(1).map(choiceFrom);
  if (choices.length === 0) throw new UsageError('"lull project choose" needs INSTANCE=ACTION');
  const opened = await open(context);
  const { view } = opened;
  const instances = choices.map(({ instance }) => instance);
  const asks = meantBy(opened, view.asks.filter(isOfInstances), { state: undefined, instances });
  const chosen = choices.map(({ instance, action }) => {
    const id = instanceAmong(view, asks, instance);
    const allowed = asks.find(({ instance_ids }) => instance_ids.includes(id))?.allowed_actions;
    if (allowed?.includes(action)) return [id, action] as const;
    const words = allowed?.join(", ") || "none";
    throw new ExitError(`${instance}: this session allows ${words}, not ${action}`, EXIT.failed);
  });
  const instance_actions = { ...chosenIn(asks), ...Object.fromEntries(chosen) };
  return report(context, opened, await sayTo(opened, asks, { yes: true, instance_actions }));
};

const NOTE = `SESSION is an id, or enough of its beginning; INSTANCE an id, enough of its beginning, or a name.
An answer may be changed until it is acted upon. Exit code 1 when it came too late, or nothing was asked.`;

export const replyCommands: readonly Command[] = [
  {
    name: "project ack",
    summary: "Agree to what a session asks of your project",
    args: ["SESSION"],
    rest: "[INSTANCE ...]",
    options: ["state", "project", "format"],
    notes: `Without instances or --state: to all that is asked and not answered yet. Instances that were asked
about together are answered for together; the answer names them. What is done with an instance
is its migration_type, its hint, or a live migration; "lull project choose" says otherwise.
${NOTE}`,
    examples: [
      "project ack 7f3c",
      "project ack 7f3c web-1 web-2",
      "project ack 7f3c --state SCALE_IN",
    ],
    run: ack,
  },
  {
    name: "project nack",
    summary: "Refuse what a session asks of your project",
    args: ["SESSION"],
    rest: "[INSTANCE ...]",
    options: ["reason", "state", "project", "format"],
    notes: `What a refusal leads to is a rule of the session: unless told, your project is asked again after ten
minutes, a few times; then the host is left as it is.
${NOTE}`,
    examples: [
      "project nack 7f3c --reason 'busy hour'",
      "project nack 7f3c db-1 --reason 'backup'",
    ],
    run: nack,
  },
  {
    name: "project defer",
    summary: "Ask for instances to be left where they are until a better time",
    args: ["SESSION"],
    rest: "[INSTANCE ...]",
    options: ["until", "reason", "project", "format"],
    notes: `A refusal with a time, at which your project is asked again. It is a wish: a session that ends before
then, or does not put off, leaves the host as it is.
${NOTE}`,
    examples: [
      "project defer 7f3c db-1 --until +2h",
      "project defer 7f3c --until 2026-03-01T22:00:00Z --reason 'busy until then'",
    ],
    run: defer,
  },
  {
    name: "project choose",
    summary: "Agree, and say what is done with instances",
    args: ["SESSION"],
    rest: "INSTANCE=ACTION ...",
    options: ["project", "format"],
    notes: `ACTION is LIVE_MIGRATE, MIGRATE (cold: it is stopped for a while) or OWN_ACTION (you take it off the
host yourself), as far as the session allows it.
${NOTE}`,
    examples: [
      "project choose 7f3c web-1=LIVE_MIGRATE",
      "project choose 7f3c web-1=MIGRATE db-1=OWN_ACTION",
    ],
    run: choose,
  },
];
