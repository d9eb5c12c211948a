import * as z from "zod";
import { isRecord } from "../template/intrinsics.ts";
import { isPath } from "./paths.ts";

/**
 * The subset of the Amazon States Language (JSONPath) that the embedded stack runs. Everything is
 * strict: an unknown state type, field or operator is an error when the stack starts.
 */

/** The definition asks for something outside the subset, or contradicts itself. */
export class MachineDefinitionError extends Error {
  override readonly name = "MachineDefinitionError";
}

export const TOKEN_RESOURCE = "arn:aws:states:::lambda:invoke.waitForTaskToken";

const path = z.string().refine(isPath, "only paths made of names and indexes");
const resultPath = path.refine((text) => !text.startsWith("$$"), "the context cannot be written");
const positive = z.number().int().min(1).max(99_999_999);

const payloadTemplate: z.ZodType<Record<string, unknown>> = z
  .record(z.string(), z.unknown())
  .superRefine((template, issues) => {
    const check = (value: unknown, name: string) => {
      if (name.endsWith(".$") && !(typeof value === "string" && isPath(value)))
        issues.addIssue({ code: "custom", message: `${name} must be a path` });
      if (Array.isArray(value)) for (const item of value) check(item, "");
      else if (isRecord(value))
        for (const [member, item] of Object.entries(value)) check(item, member);
    };
    check(template, "");
  });

const transition = { Next: z.string().optional(), End: z.literal(true).optional() };
const comment = { Comment: z.string().optional() };

const errorNames = z
  .array(z.string().min(1))
  .min(1)
  .refine(
    (names) => names.length === 1 || !names.includes("States.ALL"),
    "States.ALL stands alone",
  );

const retrier = z.strictObject({
  ...comment,
  ErrorEquals: errorNames,
  IntervalSeconds: positive.default(1),
  MaxAttempts: z.number().int().min(0).max(99_999_999).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.number().int().min(1).max(31_622_399).optional(),
  JitterStrategy: z.literal("NONE").optional(),
});

const catcher = z.strictObject({
  ...comment,
  ErrorEquals: errorNames,
  ResultPath: resultPath.nullable().default("$"),
  Next: z.string(),
});

const catchAllLast = (list: readonly { ErrorEquals: string[] }[]) =>
  list.every(
    ({ ErrorEquals }, index) => ErrorEquals[0] !== "States.ALL" || index === list.length - 1,
  );
const LAST = "States.ALL must be last";

const task = z.strictObject({
  ...comment,
  ...transition,
  Type: z.literal("Task"),
  Resource: z.string().startsWith("arn:aws:"),
  Parameters: payloadTemplate.optional(),
  ResultPath: resultPath.nullable().default("$"),
  Retry: z.array(retrier).refine(catchAllLast, LAST).default([]),
  Catch: z.array(catcher).refine(catchAllLast, LAST).default([]),
  TimeoutSeconds: positive.optional(),
  TimeoutSecondsPath: path.optional(),
});

/** One comparison of a choice; exactly one operator. */
export type Rule = z.infer<typeof comparison> & {
  Comment?: string | undefined;
  And?: Rule[] | undefined;
  Or?: Rule[] | undefined;
  Not?: Rule | undefined;
};

const comparison = z.object({
  Variable: path.optional(),
  StringEquals: z.string().optional(),
  BooleanEquals: z.boolean().optional(),
  NumericGreaterThan: z.number().optional(),
  IsPresent: z.boolean().optional(),
});

const wellFormed = (rule: Rule) => {
  const { Variable, Comment: _, ...operators } = rule;
  const [operator, ...others] = Object.keys(operators);
  const boolean = operator === "And" || operator === "Or" || operator === "Not";
  return operator !== undefined && others.length === 0 && boolean === (Variable === undefined);
};

const rule: z.ZodType<Rule> = z
  .strictObject({
    ...comment,
    ...comparison.shape,
    get And(): z.ZodOptional<z.ZodArray<z.ZodType<Rule>>> {
      return z.array(rule).min(1).optional();
    },
    get Or(): z.ZodOptional<z.ZodArray<z.ZodType<Rule>>> {
      return z.array(rule).min(1).optional();
    },
    get Not(): z.ZodOptional<z.ZodType<Rule>> {
      return rule.optional();
    },
  })
  .refine(wellFormed, "one operator; a Variable with a comparison, none with And, Or, Not");

const branch = z
  .looseObject({ Next: z.string(), Comment: z.string().optional() })
  .transform(({ Next, Comment: _, ...condition }, issues) => {
    const parsed = rule.safeParse(condition);
    if (parsed.success) return { next: Next, rule: parsed.data };
    issues.addIssue({ code: "custom", message: z.prettifyError(parsed.error) });
    return z.NEVER;
  });

const choice = z.strictObject({
  ...comment,
  Type: z.literal("Choice"),
  Choices: z.array(branch).min(1),
  Default: z.string().optional(),
});

const wait = z.strictObject({
  ...comment,
  ...transition,
  Type: z.literal("Wait"),
  Seconds: z.number().int().min(0).max(99_999_999).optional(),
  SecondsPath: path.optional(),
});

const succeed = z.strictObject({ ...comment, Type: z.literal("Succeed") });

const fail = z.strictObject({
  ...comment,
  Type: z.literal("Fail"),
  Error: z.string().optional(),
  ErrorPath: path.optional(),
  Cause: z.string().optional(),
  CausePath: path.optional(),
});

const machineSchema = z.strictObject({
  ...comment,
  StartAt: z.string(),
  States: z.record(
    z.string().min(1).max(80),
    z.discriminatedUnion("Type", [task, choice, wait, succeed, fail]),
  ),
});

export type Machine = z.infer<typeof machineSchema>;
export type State = Machine["States"][string];
export type Task = z.infer<typeof task>;
export type Retrier = z.infer<typeof retrier>;

const nextStates = (state: State): string[] => {
  switch (state.Type) {
    case "Task":
      return [...(state.Next ? [state.Next] : []), ...state.Catch.map(({ Next }) => Next)];
    case "Choice":
      return [...state.Choices.map(({ next }) => next), ...(state.Default ? [state.Default] : [])];
    case "Wait":
      return state.Next ? [state.Next] : [];
    default:
      return [];
  }
};

const both = (left: unknown, right: unknown) => left !== undefined && right !== undefined;
const exactlyOne = (left: unknown, right: unknown) =>
  (left === undefined) !== (right === undefined);

const taskProblems = (state: Task): string[] => {
  const { FunctionName, Payload, ...others } = state.Parameters ?? {};
  const isCall = typeof FunctionName === "string" && Payload !== undefined;
  const withToken = state.Resource === TOKEN_RESOURCE;
  return [
    ...(exactlyOne(state.Next, state.End) ? [] : ["exactly one of Next and End"]),
    ...(both(state.TimeoutSeconds, state.TimeoutSecondsPath)
      ? ["one of TimeoutSeconds and TimeoutSecondsPath"]
      : []),
    ...(withToken && !(isCall && Object.keys(others).length === 0)
      ? ["Parameters of a token task are FunctionName and Payload"]
      : []),
  ];
};

/** What a schema of single fields cannot say. */
const problemsOf = (state: State): string[] => {
  switch (state.Type) {
    case "Task":
      return taskProblems(state);
    case "Wait":
      return [
        ...(exactlyOne(state.Next, state.End) ? [] : ["exactly one of Next and End"]),
        ...(exactlyOne(state.Seconds, state.SecondsPath)
          ? []
          : ["exactly one of Seconds and SecondsPath"]),
      ];
    case "Fail":
      return both(state.Error, state.ErrorPath) || both(state.Cause, state.CausePath)
        ? ["a text or a path, not both"]
        : [];
    default:
      return [];
  }
};

/** The functions that a machine calls, by ARN. */
export const functionArns = (machine: Machine): string[] =>
  Object.values(machine.States).flatMap((state) =>
    state.Type === "Task" ? [functionArnOf(state)] : [],
  );

/** The function that a task calls, by ARN. */
export const functionArnOf = (state: Task): string =>
  state.Resource === TOKEN_RESOURCE ? String(state.Parameters?.["FunctionName"]) : state.Resource;

/**
 * Reads an ASL document of the subset.
 *
 * @throws MachineDefinitionError that names every problem found
 */
export const parseMachine = (definition: unknown): Machine => {
  const result = machineSchema.safeParse(definition);
  if (!result.success) throw new MachineDefinitionError(z.prettifyError(result.error));
  const machine = result.data;
  const problems: string[] = [];
  const reached = new Set<string>();
  const visit = (name: string, from: string) => {
    const state = machine.States[name];
    if (!state) problems.push(`${from} leads to ${name}, which does not exist`);
    if (!state || reached.has(name)) return;
    reached.add(name);
    for (const next of nextStates(state)) visit(next, name);
  };
  visit(machine.StartAt, "StartAt");
  for (const [name, state] of Object.entries(machine.States)) {
    problems.push(...problemsOf(state).map((problem) => `${name}: ${problem}`));
    if (!reached.has(name)) problems.push(`${name} cannot be reached`);
  }
  if (problems.length > 0) throw new MachineDefinitionError(problems.join("\n"));
  return machine;
};
