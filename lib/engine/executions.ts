import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from "@aws-sdk/client-sfn";
import { executionName, type Run } from "../domain/run.ts";

type Machines = { readonly session: string; readonly host: string };

const client = new SFNClient({});

/** The ARN of an execution follows from its machine and its name. */
const executionArn = (machineArn: string, name: string): string =>
  `${machineArn.replace(":stateMachine:", ":execution:")}:${name}`;

export const executions = (machines: Machines) => ({
  /**
   * Starts the execution of a run's generation. That it exists already, running or ended, is
   * success: its name makes sure that each generation is started once.
   */
  async start({ machine, run_id, generation }: Run): Promise<void> {
    try {
      await client.send(
        new StartExecutionCommand({
          stateMachineArn: machines[machine],
          name: executionName({ run_id, generation }),
          input: JSON.stringify({ run_id, generation }),
        }),
      );
    } catch (error) {
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
    }
  },

  /** Whether the run's generation is being executed, was and has ended, or never began. */
  async status(run: Run): Promise<"running" | "ended" | "absent"> {
    const arn = executionArn(machines[run.machine], executionName(run));
    try {
      const { status } = await client.send(new DescribeExecutionCommand({ executionArn: arn }));
      return status === "RUNNING" ? "running" : "ended";
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return "absent";
      throw error;
    }
  },
});

/** Wakes whoever waits with this token; nobody waiting any more is success. */
export const sendWake = async (taskToken: string): Promise<void> => {
  try {
    await client.send(new SendTaskSuccessCommand({ taskToken, output: "{}" }));
  } catch (error) {
    const gone =
      error instanceof TaskDoesNotExist ||
      error instanceof TaskTimedOut ||
      error instanceof InvalidToken;
    if (!gone) throw error;
  }
};
