import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import * as z from "zod";
import type { Handler } from "../../localstack/aws/lambda/functions.ts";
import type { Observer } from "../../localstack/aws/observer.ts";
import type { Stack } from "../../localstack/aws/stack.ts";
import { capacityMeter, noUnits } from "./capacity-units.ts";

/** One function: its invocations, their time here, and the calls that they made one way or the other. */
const functionUse = () => ({
  invocations: 0,
  memoryMb: 0,
  wallMs: 0,
  openstackCalls: 0,
  awsCalls: 0,
  running: 0,
  /** Most at once, which is how many sandboxes it needs at least. */
  sandboxes: 0,
});
export type FunctionUse = ReturnType<typeof functionUse>;

const noUsage = () => ({
  /** By the state that was entered. */
  transitions: {} as Record<string, number>,
  functions: {} as Record<string, FunctionUse>,
  units: noUnits(),
  customEvents: 0,
  secretCalls: 0,
  apiRequests: 0,
  /** What the functions logged themselves, without the lines of Lambda's own. */
  logBytes: 0,
});
/** What a deployment would be billed for. */
export type Usage = ReturnType<typeof noUsage>;

const contextSchema = z.looseObject({ memoryLimitInMB: z.coerce.number() });
const putEventsSchema = z.looseObject({ Entries: z.array(z.looseObject({ Detail: z.string() })) });

/** EventBridge bills each 64 KB of an event as one. */
const EVENT_BYTES = 65_536;

const hasRequest = <T extends object>(message: unknown): message is { request: T } =>
  typeof message === "object" && message !== null && "request" in message;

/** Hands every line that the functions log to `count` instead of to the terminal. */
const catchLogs = (count: (bytes: number) => void) => {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    stream.write = (text: string | Uint8Array) => {
      if (!String(text).startsWith('{"level"')) return write(text);
      count(Buffer.byteLength(text));
      return true;
    };
  }
};

/**
 * Counts what the functions and machines of a stack use, from where the stack stands to when `read` is
 * called. One a process.
 */
export const usageMeter = () => {
  let usage = noUsage();
  let stack: Stack | undefined;
  const running = new AsyncLocalStorage<FunctionUse>();
  const dynamodb = capacityMeter(() => {
    if (!stack) throw new Error("the stack calls DynamoDB before it is there");
    return stack.database;
  });

  catchLogs((bytes) => {
    usage.logBytes += bytes;
  });
  subscribe("http.client.request.start", (message) => {
    const use = running.getStore();
    if (!use || !hasRequest<ClientRequest>(message)) return;
    if (message.request.hasHeader("x-amz-target")) use.awsCalls += 1;
    else use.openstackCalls += 1;
  });
  subscribe("http.server.request.start", (message) => {
    if (!stack || !hasRequest<IncomingMessage>(message)) return;
    if (message.request.headers.host === new URL(stack.apiUrl).host) usage.apiRequests += 1;
  });

  const wrap =
    (name: string, handler: Handler): Handler =>
    async (event, context) => {
      usage.functions[name] ??= functionUse();
      const use = usage.functions[name];
      use.invocations += 1;
      use.memoryMb = contextSchema.parse(context).memoryLimitInMB;
      use.running += 1;
      use.sandboxes = Math.max(use.sandboxes, use.running);
      const began = performance.now();
      try {
        return await running.run(use, () => handler(event, context));
      } finally {
        use.wallMs += performance.now() - began;
        use.running -= 1;
      }
    };

  const observer: Observer = {
    transition: (_, state) => {
      usage.transitions[state] = (usage.transitions[state] ?? 0) + 1;
    },
    call: ({ service, operation, input }, proceed) => {
      if (service === "DynamoDB_20120810") return dynamodb(usage.units, operation, input, proceed);
      if (service === "secretsmanager") usage.secretCalls += 1;
      if (service === "AWSEvents")
        for (const { Detail } of putEventsSchema.parse(input).Entries)
          usage.customEvents += Math.ceil(Buffer.byteLength(Detail) / EVENT_BYTES);
      return proceed();
    },
  };

  return {
    wrap,
    observer,
    /** Begins anew, on this stack. */
    begin: (on: Stack) => {
      stack = on;
      usage = noUsage();
    },
    read: (): Usage => usage,
  };
};
