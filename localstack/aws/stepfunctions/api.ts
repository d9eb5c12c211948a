import { randomUUID } from "node:crypto";
import * as z from "zod";
import { AwsError } from "../errors.ts";
import type { MachineModel } from "../template/model.ts";
import type { ExecutionRow, ExecutionStore } from "./executions.ts";
import { type ExecutionRunner, executionOfToken } from "./runner.ts";

/** Characters that Step Functions refuses in names (API reference, StartExecution). */
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/;

const MAX_INPUT_BYTES = 262_144;

const requests = {
  StartExecution: z.strictObject({
    stateMachineArn: z.string(),
    name: z.string().optional(),
    input: z.string().default("{}"),
  }),
  DescribeExecution: z.strictObject({ executionArn: z.string() }),
  StopExecution: z.strictObject({
    executionArn: z.string(),
    error: z.string().max(256).optional(),
    cause: z.string().max(32_768).optional(),
  }),
  SendTaskSuccess: z.strictObject({ taskToken: z.string(), output: z.string() }),
  SendTaskFailure: z.strictObject({
    taskToken: z.string(),
    error: z.string().max(256).default(""),
    cause: z.string().max(32_768).optional(),
  }),
};

const parse = <S extends z.ZodType>(schema: S, input: unknown): z.infer<S> => {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new AwsError("ValidationException", z.prettifyError(result.error));
};

const parseJson = (text: string, error: string): unknown => {
  if (Buffer.byteLength(text) > MAX_INPUT_BYTES)
    throw new AwsError(error, `Invalid JSON: longer than ${MAX_INPUT_BYTES} bytes`);
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError(error, `Invalid JSON: '${text.slice(0, 80)}'`);
  }
};

/** Services answer instants as seconds since the epoch. */
const seconds = (ms: number) => ms / 1_000;

const description = (row: ExecutionRow) => ({
  executionArn: row.arn,
  stateMachineArn: row.machineArn,
  name: row.name,
  status: row.status,
  startDate: seconds(row.startedAt),
  input: row.input,
  inputDetails: { included: true },
  redriveCount: 0,
  redriveStatus: "NOT_REDRIVABLE",
  ...(row.stoppedAt !== null && { stopDate: seconds(row.stoppedAt) }),
  ...(row.output !== null && { output: row.output, outputDetails: { included: true } }),
  ...(row.error !== null && { error: row.error }),
  ...(row.cause !== null && { cause: row.cause }),
});

/** The operations of Step Functions that the handlers use, by JSON protocol `AWSStepFunctions`. */
export const stepFunctionsApi = (options: {
  machines: readonly MachineModel[];
  store: ExecutionStore;
  runner: ExecutionRunner;
  now: () => number;
}) => {
  const { store, runner, now } = options;
  const machines = new Map(
    options.machines.map(({ arn, name, definition }) => [
      arn,
      { name, definition: store.keepDefinition(definition) },
    ]),
  );

  const execution = (arn: string): ExecutionRow => {
    if (!/^arn:aws:states:[^:]+:\d{12}:execution:[^:]+:[^:]+$/.test(arn))
      throw new AwsError("InvalidArn", `Invalid Arn: '${arn}'`);
    const row = store.get(arn);
    if (!row) throw new AwsError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
    return row;
  };

  const answer = (token: string, result: Parameters<ExecutionRunner["answer"]>[1]) => {
    if (runner.answer(token, result)) return {};
    const arn = executionOfToken(token);
    if (arn === undefined) throw new AwsError("InvalidToken", "Invalid Token: 'Invalid token'");
    if (!store.get(arn))
      throw new AwsError("TaskDoesNotExist", "Task Does Not Exist: 'Provided task does not exist'");
    throw new AwsError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
  };

  const operations: Readonly<Record<string, (input: unknown) => unknown>> = {
    StartExecution: (given) => {
      const { stateMachineArn, name = randomUUID(), input } = parse(requests.StartExecution, given);
      const machine = machines.get(stateMachineArn);
      if (!machine)
        throw new AwsError(
          "StateMachineDoesNotExist",
          `State Machine Does Not Exist: '${stateMachineArn}'`,
        );
      if (!NAME.test(name)) throw new AwsError("InvalidName", `Invalid Name: '${name}'`);
      parseJson(input, "InvalidExecutionInput");
      const arn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
      const former = store.get(arn);
      if (former && !(former.status === "RUNNING" && former.input === input))
        throw new AwsError("ExecutionAlreadyExists", `Execution Already Exists: '${arn}'`);
      const row =
        former ??
        runner.start({
          arn,
          machineArn: stateMachineArn,
          name,
          definition: machine.definition,
          input,
        });
      return { executionArn: arn, startDate: seconds(row.startedAt) };
    },
    DescribeExecution: (given) =>
      description(execution(parse(requests.DescribeExecution, given).executionArn)),
    StopExecution: (given) => {
      const { executionArn, error, cause } = parse(requests.StopExecution, given);
      const row = execution(executionArn);
      runner.abort(row.arn, { error, cause });
      return { stopDate: seconds(store.get(row.arn)?.stoppedAt ?? now()) };
    },
    SendTaskSuccess: (given) => {
      const { taskToken, output } = parse(requests.SendTaskSuccess, given);
      return answer(taskToken, { output: parseJson(output, "InvalidOutput") });
    },
    SendTaskFailure: (given) => {
      const { taskToken, error, cause } = parse(requests.SendTaskFailure, given);
      return answer(taskToken, { failure: { error, ...(cause !== undefined && { cause }) } });
    },
  };

  /** @throws AwsError as Step Functions would answer it */
  return (operation: string, input: unknown): unknown => {
    const act = operations[operation];
    if (!act)
      throw new AwsError(
        "UnknownOperationException",
        `the embedded stack does not implement AWSStepFunctions.${operation}`,
      );
    return act(input);
  };
};
