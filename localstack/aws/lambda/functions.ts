import { randomUUID } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { FunctionModel } from "../template/model.ts";

/** What a handler module exports: the second argument is Lambda's context object. */
export type Handler = (event: unknown, context: unknown) => Promise<unknown>;

/** Finds the handler of a function, by its logical id and `file.export`. */
export type LoadHandler = (functionLogicalId: string, handler: string) => Promise<Handler>;

/** An error as Lambda reports it to whoever invoked the function. */
export type InvocationError = {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
};

export type Invocation =
  | { readonly outcome: "returned"; readonly result: unknown }
  | { readonly outcome: "failed"; readonly error: InvocationError }
  /** All of the function's reserved concurrency is in use; nothing was called. */
  | { readonly outcome: "throttled"; readonly error: InvocationError }
  /** The stack is closing; nothing was called. */
  | { readonly outcome: "closing" };

export type Functions = {
  /** Calls a function in this process. Never rejects: what went wrong is part of the answer. */
  readonly invoke: (arn: string, event: unknown, requestId?: string) => Promise<Invocation>;
  /** How many more invocations the function takes at the moment; none when the stack closes. */
  readonly room: (arn: string) => number;
  /** `listener` runs after each invocation's end, when there may be room again. */
  readonly onRoom: (listener: (arn: string) => void) => void;
  /** Refuses new invocations and resolves when none is left under way. */
  readonly close: () => Promise<void>;
};

type Loaded = FunctionModel & { readonly handle: Handler; running: number };

/** An error's fields as Node's Lambda runtime reports them. */
const describe = (error: unknown): InvocationError =>
  error instanceof Error
    ? {
        errorType: error.name,
        errorMessage: error.message,
        trace: (error.stack ?? "").split("\n"),
      }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };

const plainError = (errorType: string, errorMessage: string): InvocationError => ({
  errorType,
  errorMessage,
  trace: [],
});

/** The context object of Lambda's Node.js runtime (developer guide, "Lambda context object in Node.js"). */
const contextOf = (fn: FunctionModel, requestId: string, remaining: () => number) => ({
  functionName: fn.name,
  functionVersion: "$LATEST",
  invokedFunctionArn: fn.arn,
  memoryLimitInMB: String(fn.memoryMb),
  awsRequestId: requestId,
  logGroupName: `/aws/lambda/${fn.name}`,
  logStreamName: "embedded",
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => Math.max(0, remaining()),
});

/**
 * Loads every function of the template.
 *
 * A function that times out is reported as such, but cannot be stopped inside this process: its
 * handler may go on, as a sandbox that AWS freezes may once it is thawed.
 *
 * @throws Error that names the function whose handler cannot be loaded
 */
export const loadFunctions = async (
  models: readonly FunctionModel[],
  load: LoadHandler,
  clock: Clock,
): Promise<Functions> => {
  const loaded = await Promise.all(
    models.map(async (model): Promise<[string, Loaded]> => {
      try {
        const handle = await load(model.logicalId, model.handler);
        return [model.arn, { ...model, handle, running: 0 }];
      } catch (error) {
        throw new Error(`function ${model.logicalId} (${model.handler}) cannot be loaded`, {
          cause: error,
        });
      }
    }),
  );
  const functions = new Map(loaded);
  const listeners = new Set<(arn: string) => void>();
  const ends = new Set<() => void>();
  let underWay = 0;
  let closing = false;

  const room = (fn: Loaded) => (fn.reservedConcurrency ?? Number.POSITIVE_INFINITY) - fn.running;

  const run = (fn: Loaded, event: unknown, requestId: string): Promise<Invocation> => {
    const deadline = clock.now() + fn.timeoutMs;
    const context = contextOf(fn, requestId, () => deadline - clock.now());
    return new Promise((resolve) => {
      const cancel = clock.at(deadline, () =>
        resolve({
          outcome: "failed",
          error: plainError(
            "Sandbox.Timedout",
            `RequestId: ${requestId} Error: Task timed out after ${(fn.timeoutMs / 1_000).toFixed(2)} seconds`,
          ),
        }),
      );
      const settle = (invocation: Invocation) => {
        cancel();
        resolve(invocation);
      };
      (async () => fn.handle(event, context))().then(
        (result) => settle({ outcome: "returned", result }),
        (error: unknown) => settle({ outcome: "failed", error: describe(error) }),
      );
    });
  };

  const ended = (fn: Loaded) => {
    fn.running -= 1;
    underWay -= 1;
    if (underWay === 0) for (const end of ends) end();
    if (fn.reservedConcurrency !== undefined && !closing)
      for (const listener of listeners) listener(fn.arn);
  };

  return {
    invoke: async (arn, event, requestId = randomUUID()) => {
      if (closing) return { outcome: "closing" };
      const fn = functions.get(arn);
      if (!fn)
        return {
          outcome: "failed",
          error: plainError("Lambda.ResourceNotFoundException", `Function not found: ${arn}`),
        };
      if (room(fn) <= 0)
        return {
          outcome: "throttled",
          error: plainError("Lambda.TooManyRequestsException", "Rate Exceeded."),
        };
      fn.running += 1;
      underWay += 1;
      const release = clock.hold();
      try {
        return await run(fn, event, requestId);
      } finally {
        release();
        ended(fn);
      }
    },
    room: (arn) => {
      const fn = functions.get(arn);
      if (closing) return 0;
      return fn ? room(fn) : Number.POSITIVE_INFINITY;
    },
    onRoom: (listener) => void listeners.add(listener),
    close: () => {
      closing = true;
      return underWay === 0
        ? Promise.resolve()
        : new Promise((resolve) => ends.add(() => resolve()));
    },
  };
};
