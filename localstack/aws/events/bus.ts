import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { Clock } from "../../clock.ts";
import { AwsError } from "../errors.ts";
import type { AsynchronousQueue } from "../lambda/asynchronous.ts";
import type { Misbehaviour } from "../misbehaviour.ts";
import { transaction } from "../sqlite.ts";
import { isRecord } from "../template/intrinsics.ts";
import type { RuleModel } from "../template/model.ts";
import { ACCOUNT_ID } from "../template/scope.ts";
import { compilePattern } from "./pattern.ts";

/** Entries of one PutEvents call and their total size (EventBridge API reference, PutEvents). */
const MAX_ENTRIES = 10;
const MAX_BYTES = 262_144;

const entrySchema = z.strictObject({
  Source: z.string().optional(),
  DetailType: z.string().max(128).optional(),
  Detail: z.string().optional(),
  /** Seconds since the epoch. */
  Time: z.number().optional(),
  Resources: z.array(z.string()).default([]),
  EventBusName: z.string().default("default"),
});
const requestSchema = z.strictObject({ Entries: z.array(entrySchema).min(1) });
type Entry = z.infer<typeof entrySchema>;

type EntryError = { readonly ErrorCode: string; readonly ErrorMessage: string };

const parsedDetail = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const missingIn = ({ Source, DetailType }: Entry) => {
  if (!Source) return "Source";
  return DetailType ? "Detail" : "DetailType";
};

const bytesOf = ({ Source = "", DetailType = "", Detail = "", Time, Resources }: Entry) =>
  Buffer.byteLength(Source + DetailType + Detail + Resources.join("")) + (Time ? 14 : 0);

/** Events carry whole seconds. */
const eventTime = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** One event as its targets get it. */
export const eventOf = (options: {
  source: string;
  detailType: string;
  detail: unknown;
  resources: readonly string[];
  time: number;
  region: string;
  id?: string;
}) => ({
  version: "0",
  id: options.id ?? randomUUID(),
  "detail-type": options.detailType,
  source: options.source,
  account: ACCOUNT_ID,
  time: eventTime(options.time),
  region: options.region,
  resources: options.resources,
  detail: options.detail,
});

/** EventBridge's buses and rules: matching events go into Lambda's asynchronous queue, in one commit. */
export const eventBus = (options: {
  sqlite: DatabaseSync;
  clock: Clock;
  misbehaviour: Misbehaviour;
  queue: AsynchronousQueue;
  rules: readonly RuleModel[];
  region: string;
  log: (line: string) => void;
}) => {
  const { sqlite, clock, misbehaviour, queue, region, log } = options;
  const rules = options.rules.flatMap((rule) =>
    rule.pattern === undefined
      ? []
      : [{ ...rule, matches: compilePattern(rule.pattern, `rule ${rule.name}`) }],
  );

  const accepted = (entry: Entry): { EventId: string } | EntryError => {
    if (misbehaviour.throttles())
      return { ErrorCode: "ThrottlingException", ErrorMessage: "Rate exceeded" };
    const { Source, DetailType, Detail } = entry;
    const missing = missingIn(entry);
    if (!Source || !DetailType || Detail === undefined)
      return {
        ErrorCode: "InvalidArgument",
        ErrorMessage: `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`,
      };
    const detail = parsedDetail(Detail);
    if (!isRecord(detail))
      return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
    const event = eventOf({
      source: Source,
      detailType: DetailType,
      detail,
      resources: entry.Resources,
      time: entry.Time === undefined ? clock.now() : entry.Time * 1_000,
      region,
    });
    deliver(entry.EventBusName.split("/").at(-1) ?? "", event);
    return { EventId: event.id };
  };

  /** An event for a bus that does not exist is accepted and lost, as on AWS; only the log knows. */
  const deliver = (bus: string, event: ReturnType<typeof eventOf>) => {
    const matching = rules.filter((rule) => rule.bus === bus && rule.matches(event));
    if (!rules.some((rule) => rule.bus === bus)) log(`no rule listens on ${bus}: an event is lost`);
    for (const { targets } of matching)
      for (const { functionArn, input } of targets)
        queue.add(functionArn, input === undefined ? event : JSON.parse(input));
  };

  const putEvents = (input: unknown) => {
    const parsed = requestSchema.safeParse(input);
    if (!parsed.success) throw new AwsError("ValidationException", z.prettifyError(parsed.error));
    const { Entries } = parsed.data;
    if (Entries.length > MAX_ENTRIES)
      throw new AwsError(
        "ValidationException",
        `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to ${MAX_ENTRIES}`,
      );
    if (Entries.reduce((sum, entry) => sum + bytesOf(entry), 0) > MAX_BYTES)
      throw new AwsError(
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
      );
    const results = transaction(sqlite, () => Entries.map(accepted));
    queue.pump();
    return {
      FailedEntryCount: results.filter((result) => "ErrorCode" in result).length,
      Entries: results,
    };
  };

  /** The operations that the handlers use, by JSON protocol `AWSEvents`. @throws AwsError */
  return (operation: string, input: unknown): unknown => {
    if (operation === "PutEvents") return putEvents(input);
    throw new AwsError(
      "UnknownOperationException",
      `the embedded stack does not implement AWSEvents.${operation}`,
    );
  };
};
