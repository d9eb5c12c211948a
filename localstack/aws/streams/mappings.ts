import type { DatabaseSync } from "node:sqlite";
import type { DynamoDBRecord } from "aws-lambda";
import * as z from "zod";
import { type Clock, sleep } from "../../clock.ts";
import type { DeadLetters } from "../dead-letters.ts";
import { compilePattern } from "../events/pattern.ts";
import type { Functions, Invocation } from "../lambda/functions.ts";
import type { Misbehaviour } from "../misbehaviour.ts";
import { transaction } from "../sqlite.ts";
import type { MappingModel } from "../template/model.ts";
import { failureRecord } from "./failure-record.ts";
import {
  afterFailure,
  firstFailure,
  isUpTo,
  type Progress,
  progressSchema,
  sequenceOf,
} from "./progress.ts";

/** What a mapping needs of the table behind its stream. */
type StreamSource = {
  readonly readStream: (
    tableName: string,
    afterSequence: string,
    limit: number,
  ) => DynamoDBRecord[];
  readonly onStream: (listener: (tableName: string) => void) => () => void;
};

/** AWS does not document its pauses between retries of a batch; these grow to half a minute. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** How soon a throttled function is asked again. */
const THROTTLED_PAUSE_MS = 1_000;

type Options = {
  readonly sqlite: DatabaseSync;
  readonly clock: Clock;
  readonly misbehaviour: Misbehaviour;
  readonly source: StreamSource;
  readonly functions: Functions;
  readonly deadLetters: DeadLetters;
  readonly log: (line: string) => void;
};

/** The committed progress of every mapping. */
const checkpoints = (sqlite: DatabaseSync) => {
  sqlite.exec(`
    CREATE TABLE IF NOT EXISTS stream_mappings (
      mapping TEXT PRIMARY KEY,
      progress TEXT NOT NULL
    ) STRICT`);
  const get = sqlite.prepare("SELECT progress FROM stream_mappings WHERE mapping = ?");
  const put = sqlite.prepare("INSERT OR REPLACE INTO stream_mappings VALUES (?, ?)");
  return {
    read: (id: string): Progress => {
      const row = get.get(id);
      if (!row) return { checkpoint: "0", parts: [] };
      return progressSchema.parse(
        JSON.parse(z.object({ progress: z.string() }).parse(row).progress),
      );
    },
    write: (id: string, progress: Progress) => void put.run(id, JSON.stringify(progress)),
  };
};

const startMapping = (mapping: MappingModel, options: Options) => {
  const { sqlite, clock, misbehaviour, source, functions, deadLetters, log } = options;
  const stored = checkpoints(sqlite);
  const filters = mapping.filters.map((pattern, index) =>
    compilePattern(pattern, `${mapping.id} filter ${index + 1}`),
  );
  const stop = new AbortController();
  let progress = stored.read(mapping.id);
  let running = false;
  let woken = false;
  let enabled = true;

  const save = (next: Progress) => {
    progress = next;
    stored.write(mapping.id, next);
  };

  const nextBatch = (): DynamoDBRecord[] => {
    const records = source.readStream(mapping.table, progress.checkpoint, mapping.batchSize);
    const through = progress.parts[0]?.through;
    return through === undefined
      ? records
      : records.filter((record) => isUpTo(sequenceOf(record), through));
  };

  const wanted = (records: readonly DynamoDBRecord[]) =>
    records
      .filter((record) => filters.length === 0 || filters.some((matches) => matches(record)))
      .map((record) => ({ ...record, eventSourceARN: mapping.streamArn }));

  const failedAt = (invocation: Invocation, records: readonly DynamoDBRecord[]): number => {
    if (invocation.outcome !== "returned") return 0;
    return mapping.reportsItemFailures ? firstFailure(invocation.result, records) : -1;
  };

  const finished = (records: readonly DynamoDBRecord[]): number => {
    save({ checkpoint: sequenceOf(records.at(-1) ?? {}), parts: progress.parts.slice(1) });
    return 0;
  };

  /** @returns how long to pause before the next batch, in milliseconds */
  const fail = (records: readonly DynamoDBRecord[], failed: number): number => {
    const after = afterFailure(progress, records, failed, mapping);
    transaction(sqlite, () => {
      save(after.progress);
      if (after.givenUp.length > 0 && mapping.onFailure)
        deadLetters.add(
          mapping.onFailure,
          failureRecord(mapping, after.givenUp, after.tries, clock.now()),
        );
    });
    if (after.givenUp.length > 0) {
      log(
        `mapping ${mapping.id} gave up ${after.givenUp.length} records after ${after.tries} tries`,
      );
      return 0;
    }
    return after.tries === 0
      ? 0
      : Math.min(FIRST_PAUSE_MS * 2 ** (after.tries - 1), LONGEST_PAUSE_MS);
  };

  /** Hands the batch over, now and then late or twice; undefined when the stack closes meanwhile. */
  const deliver = async (batch: readonly DynamoDBRecord[]): Promise<Invocation | undefined> => {
    const delay = misbehaviour.delayMs();
    if (delay > 0) await sleep(clock, delay, stop.signal);
    const invoke = () => functions.invoke(mapping.functionArn, { Records: structuredClone(batch) });
    if (stop.signal.aborted) return undefined;
    if (misbehaviour.duplicates()) await invoke();
    const invocation = await invoke();
    return stop.signal.aborted || invocation.outcome === "closing" ? undefined : invocation;
  };

  const afterInvocation = (
    invocation: Invocation,
    records: readonly DynamoDBRecord[],
    batch: readonly DynamoDBRecord[],
  ): number => {
    if (invocation.outcome === "throttled") return THROTTLED_PAUSE_MS;
    if (invocation.outcome === "failed")
      log(`mapping ${mapping.id}: ${invocation.error.errorType}: ${invocation.error.errorMessage}`);
    const first = batch[failedAt(invocation, batch)];
    if (!first) return finished(records);
    return fail(
      records,
      records.findIndex((record) => sequenceOf(record) === sequenceOf(first)),
    );
  };

  /** @returns the pause before the next batch; undefined when the stream is read to its end */
  const step = async (): Promise<number | undefined> => {
    const records = nextBatch();
    const batch = wanted(records);
    if (batch.length > 0) {
      const invocation = await deliver(batch);
      return invocation && afterInvocation(invocation, records, batch);
    }
    if (records.length > 0) return finished(records);
    if (progress.parts.length === 0) return undefined;
    save({ ...progress, parts: progress.parts.slice(1) });
    return 0;
  };

  const run = async () => {
    for (;;) {
      const pause = await step();
      if (pause === undefined || stop.signal.aborted || !enabled) return;
      if (pause > 0) await sleep(clock, pause, stop.signal);
    }
  };

  const wake = () => {
    woken = true;
    if (running || stop.signal.aborted || !enabled) return;
    running = true;
    woken = false;
    run()
      .catch((error) => {
        log(`mapping ${mapping.id} cannot go on: ${error}`);
        woken = true;
        return sleep(clock, LONGEST_PAUSE_MS, stop.signal);
      })
      .finally(() => {
        running = false;
        if (woken) wake();
      });
  };
  const enable = (on: boolean) => {
    enabled = on;
    if (on) wake();
  };
  return { wake, enable, close: () => stop.abort() };
};

/**
 * Lambda's event source mappings from table streams: one reader each over one shard, so that the
 * order of the records of an item is kept; a batch that fails holds up what comes after it.
 */
export const startMappings = (mappings: readonly MappingModel[], options: Options) => {
  const started = mappings.map((mapping) => ({ mapping, ...startMapping(mapping, options) }));
  const unsubscribe = options.source.onStream((table) => {
    for (const { mapping, wake } of started) if (mapping.table === table) wake();
  });
  for (const { wake } of started) wake();
  return {
    /** As UpdateEventSourceMapping does: a disabled one reads nothing, and goes on from there later. */
    enable: (on: boolean) => {
      for (const { enable } of started) enable(on);
    },
    close: () => {
      unsubscribe();
      for (const { close } of started) close();
    },
  };
};
