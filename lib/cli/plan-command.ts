import { setTimeout as pause } from "node:timers/promises";
import {
  type CurvePoint,
  getCurve,
  getPlan,
  listOperations,
  type Operation,
  type Plan,
  startPlan,
} from "../client/plans.ts";
import type { Api } from "../client/request.ts";
import type { Command, Context } from "./command.ts";
import { EXIT, ExitError, UsageError } from "./exit.ts";
import { SESSION_OPTIONS } from "./maintenance-create.ts";
import { newMaintenanceFrom, objectiveFrom } from "./new-maintenance.ts";
import type { Values } from "./options.ts";
import { type Column, clean, formatOf, printRows } from "./output.ts";
import { planLines } from "./plan-text.ts";
import { resolveSessionId } from "./session-id.ts";
import type { Terminal } from "./terminal.ts";
import { showTime } from "./times.ts";

const columns: readonly Column<Operation>[] = [
  { name: "number", of: ({ number }) => number },
  { name: "what", of: ({ what }) => what },
  { name: "host", of: ({ host }) => host },
  { name: "instance", of: ({ instance_name }) => instance_name },
  { name: "to", of: ({ to }) => to },
  {
    name: "starts",
    of: ({ expected_start_at }) => expected_start_at,
    show: ({ expected_start_at }) => showTime(expected_start_at),
  },
  {
    name: "ends",
    of: ({ expected_end_at }) => expected_end_at,
    show: ({ expected_end_at }) => showTime(expected_end_at),
  },
  { name: "state", of: ({ state }) => state },
  { name: "went_to", of: ({ went_to }) => went_to },
  { name: "instance_id", of: ({ instance_id }) => instance_id },
];

/** For people: without the ids, and what would be empty, or the same, all the way down. */
const shownColumns = (operations: readonly Operation[]) =>
  columns.filter(
    ({ name }) =>
      name !== "instance_id" &&
      (name !== "state" || operations.some(({ state }) => state !== undefined)) &&
      (name !== "went_to" || operations.some(({ to, went_to }) => went_to && went_to !== to)),
  );

const LOOK_AGAIN_MS = 300;
const SAY_EVERY_MS = 5_000;

/** The plan once it is made; says now and then that it is not yet. */
const whenMade = async (api: Api, begun: Plan, terminal: Terminal): Promise<Plan> => {
  const from = performance.now();
  let said = 0;
  let plan = begun;
  while (plan.status === "making") {
    const seconds = Math.floor((performance.now() - from) / 1000);
    if (seconds * 1000 >= said * SAY_EVERY_MS) {
      const trouble = plan.error ? `; it is tried again after: ${clean(plan.error)}` : "";
      terminal.err(`plan ${plan.plan_id} is being made (${seconds} s)${trouble}`);
      said += 1;
    }
    await pause(LOOK_AGAIN_MS);
    plan = await getPlan(api, plan.plan_id);
  }
  if (plan.status === "ready") return plan;
  throw new ExitError(`plan ${plan.plan_id} failed: ${plan.error ?? plan.status}`, EXIT.failed);
};

/** What to plan: a session that is open, or one as the options describe it. */
const bodyFrom = async (
  { values, args, terminal }: Context,
  connect: () => Promise<Api>,
): Promise<Parameters<typeof startPlan>[1]> => {
  const [session] = args;
  if (session === undefined) return newMaintenanceFrom(values, terminal);
  refuseDescription(values, `${session} is one already`);
  const objective = objectiveFrom(values);
  const session_id = await resolveSessionId(await connect(), session);
  return { session_id, ...(objective && { objective }) };
};

/** @throws UsageError when options describe a session that nobody would look at */
const refuseDescription = (values: Values, why: string): void => {
  const stray = values.given.find((name) => SESSION_OPTIONS.includes(name));
  if (stray !== undefined) throw new UsageError(`--${stray} describes a session, and ${why}`);
};

/** The plan, and the session that it is held against where that is not the plan's own. */
const planFrom = async (
  context: Context,
): Promise<{ api: Api; plan: Plan; sessionId?: string }> => {
  const { values, args, terminal, connect } = context;
  const known = values.text("plan");
  if (known === undefined) {
    const body = await bodyFrom(context, connect);
    const api = await connect();
    const begun = await startPlan(api, body);
    return { api, plan: await whenMade(api, begun, terminal) };
  }
  refuseDescription(values, `--plan ${known} is made already; without --plan another one is made`);
  const api = await connect();
  const plan = await whenMade(api, await getPlan(api, known), terminal);
  const [session] = args;
  if (session === undefined) return { api, plan };
  return { api, plan, sessionId: await resolveSessionId(api, session) };
};

const SHOWN_OPERATIONS = 20;

const atMost = async <T>(items: AsyncIterable<T>, most: number): Promise<readonly T[]> => {
  const first: T[] = [];
  for await (const item of items) {
    if (first.length === most) break;
    first.push(item);
  }
  return first;
};

const plan = async (context: Context): Promise<number> => {
  const { values, args, terminal } = context;
  const isForPeople = formatOf(values) === "table" && values.list("column").length === 0;
  if (args.length > 1) throw new UsageError("a plan is of one session");
  const wanted = objectiveFrom(values);
  const { api, plan: made, sessionId } = await planFrom(context);
  const objective = wanted ?? made.objective;
  const most = isForPeople && !values.flag("all") ? SHOWN_OPERATIONS : Number.POSITIVE_INFINITY;
  const operations = await atMost(
    listOperations(api, made.plan_id, { objective, ...(sessionId && { sessionId }) }),
    most,
  );
  if (isForPeople)
    printPlan(context, made, {
      objective,
      operations,
      curve: await getCurve(api, made.plan_id, objective),
    });
  else if (formatOf(values) === "json" && values.list("column").length === 0)
    terminal.out(JSON.stringify({ ...made, operations }, null, 2));
  else printRows(terminal, values, columns, operations);
  return made.outcomes?.[objective]?.hosts_blocked ? EXIT.partial : EXIT.done;
};

type Listed = {
  readonly objective: string;
  readonly operations: readonly Operation[];
  readonly curve: readonly CurvePoint[];
};

const printPlan = (
  { values, terminal }: Context,
  made: Plan,
  { objective, operations, curve }: Listed,
): void => {
  for (const line of planLines(made, objective, curve)) terminal.out(line);
  if (operations.length === 0) return;
  terminal.out("");
  printRows(terminal, values, shownColumns(operations), operations);
  const more = (made.outcomes?.[objective]?.operations ?? 0) - operations.length;
  if (more > 0) terminal.err(`${more} more: lull maintenance plan --plan ${made.plan_id} --all`);
};

export const planCommand: Command = {
  name: "maintenance plan",
  summary: "Tell what a session would do, and how long it would take",
  args: [],
  rest: "[SESSION]",
  options: [...SESSION_OPTIONS, "objective", "plan", "all", "format", "column"],
  notes: `Nothing is changed and nobody is told. Without SESSION it is planned what "maintenance create" would
open with the same options; of a session that is open, what is left of it. Both objectives are planned;
the operations of one are listed. With --plan and SESSION each operation of the earlier plan says what
became of it in that session. A plan is kept for a day.`,
  examples: [
    "maintenance plan --hosts-file az1.txt --max-parallel 4 --ends-at +8h",
    "maintenance plan --hosts-file az1.txt --objective fewest_moves --all",
    "maintenance plan 7f3c",
    "maintenance plan 7f3c --plan 0b1c2d3e-4f50-4a61-8b72-93a4b5c6d7e8 -f value -c number,state",
  ],
  run: plan,
};
