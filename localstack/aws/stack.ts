import { mkdirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { type Clock, scaledClock } from "../clock.ts";
import { type Credentials, openCredentials } from "./credentials.ts";
import { type DeadLetter, deadLetterTable } from "./dead-letters.ts";
import { type Database, openDatabase } from "./dynamodb/database.ts";
import { mergedEnvironment, setEnvironment } from "./environment.ts";
import { eventBus } from "./events/bus.ts";
import { startSchedules } from "./events/schedules.ts";
import { apiListener } from "./http-api.ts";
import { listen } from "./http-server.ts";
import { asynchronousQueue } from "./lambda/asynchronous.ts";
import { type LoadHandler, loadFunctions } from "./lambda/functions.ts";
import { lockFolder } from "./lock.ts";
import { type Misbehaviour, noMisbehaviour } from "./misbehaviour.ts";
import type { Observer } from "./observer.ts";
import { secretsApi } from "./secrets.ts";
import { awsListener, type Service } from "./server.ts";
import { type Durability, databaseFile, openFile } from "./sqlite.ts";
import { stepFunctionsApi } from "./stepfunctions/api.ts";
import { type ExecutionRow, executionStore } from "./stepfunctions/executions.ts";
import { functionArns, MachineDefinitionError, parseMachine } from "./stepfunctions/machine.ts";
import { executionRunner } from "./stepfunctions/runner.ts";
import { startMappings } from "./streams/mappings.ts";
import type { StackModel } from "./template/model.ts";
import { readTemplate } from "./template.ts";

export type StackOptions = {
  /** The compiled CloudFormation template, parsed. */
  readonly template: unknown;
  readonly handlers: LoadHandler;
  /** Folder of everything durable; made when absent. One process at a time. */
  readonly data: string;
  /** FULL (default) also survives power loss. */
  readonly durability?: Durability;
  readonly clock?: Clock;
  readonly misbehaviour?: Misbehaviour;
  readonly observer?: Observer;
  /** Added to, and stronger than, the variables that the template gives its functions. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Name to SecretString; kept in the data folder. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly apiHost?: string;
  /** 0 (default) = any free port. */
  readonly apiPort?: number;
  readonly awsPort?: number;
  readonly log?: (line: string) => void;
};

export type Stack = {
  readonly apiUrl: string;
  /** For AWS_ENDPOINT_URL. */
  readonly awsEndpoint: string;
  readonly credentials: Credentials;
  readonly database: Database;
  readonly clock: Clock;
  /** What was given up on, oldest first. */
  readonly deadLetters: () => DeadLetter[];
  /** Every execution that is still remembered, oldest first, with its history event count. */
  readonly executions: () => ExecutionRow[];
  /** Switches all event source mappings off, or on again. */
  readonly enableMappings: (on: boolean) => void;
  /** Ends timers, waits a moment for what is under way, and closes the file. */
  readonly close: () => Promise<void>;
};

const SWEEP_EVERY_MS = 60_000;

/** How long `close` waits for handlers, of real time: a stopped clock must not keep a process alive. */
const CLOSE_PATIENCE_MS = 5_000;

const checkMachines = (model: StackModel) => {
  for (const { name, definition } of model.machines) {
    const known = new Set(model.functions.map(({ arn }) => arn));
    try {
      for (const arn of functionArns(parseMachine(definition)))
        if (!known.has(arn)) throw new MachineDefinitionError(`there is no function ${arn}`);
    } catch (error) {
      if (!(error instanceof MachineDefinitionError)) throw error;
      throw new MachineDefinitionError(`state machine ${name}: ${error.message}`, { cause: error });
    }
  }
};

const atMost = (ms: number, work: Promise<unknown>): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
};

const startSweeper = (clock: Clock, log: (line: string) => void, sweep: () => void) => {
  let cancel = () => {};
  const again = () => {
    cancel = clock.at(clock.now() + SWEEP_EVERY_MS, () => {
      again();
      try {
        sweep();
      } catch (error) {
        log(`the sweep failed: ${error}`);
      }
    });
  };
  again();
  return () => cancel();
};

/**
 * Starts the embedded stack: the functions, table, bus, machines, schedules and HTTP API of a
 * compiled template in this process, durable in one file.
 *
 * What was under way when the last process ended goes on: executions from their cursor, events and
 * stream records from their queue and checkpoint.
 *
 * @throws TemplateError, MachineDefinitionError, EventPatternError for what is not implemented,
 *   DataFolderInUseError when another process has the folder, NewerLayoutError
 */
export const startStack = async (options: StackOptions): Promise<Stack> => {
  const undo: (() => void)[] = [];
  try {
    return await start(options, undo);
  } catch (error) {
    for (const act of undo.reverse()) act();
    throw error;
  }
};

const start = async (options: StackOptions, undo: (() => void)[]): Promise<Stack> => {
  const {
    data,
    clock = scaledClock(),
    misbehaviour = noMisbehaviour,
    observer,
    log = () => undefined,
    apiHost = "127.0.0.1",
  } = options;
  const region = options.environment?.["AWS_REGION"] ?? process.env["AWS_REGION"] ?? "us-east-1";
  const model = readTemplate(options.template, region);
  checkMachines(model);
  const environment = { ...mergedEnvironment(model.functions), ...options.environment };

  mkdirSync(data, { recursive: true, mode: 0o700 });
  undo.push(lockFolder(data));
  const sqlite = openFile(databaseFile(data), options.durability ?? "FULL");
  undo.push(() => sqlite.close());
  const credentials = openCredentials(data);
  const database = openDatabase({ sqlite, clock, misbehaviour });
  for (const { definition } of model.tables) database.createTable(definition);

  const services: Record<string, Service> = {};
  const aws = await listen(
    awsListener({ services, credentials, clock, misbehaviour, observer, log }),
    { host: "127.0.0.1", port: options.awsPort ?? 0 },
  );
  undo.push(() => {
    aws.drain().catch(() => undefined);
    aws.close();
  });
  setEnvironment({
    ...environment,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });

  const functions = await loadFunctions(model.functions, options.handlers, clock);
  const deadLetters = deadLetterTable(sqlite, clock, model.queues);
  const queue = asynchronousQueue({
    sqlite,
    clock,
    misbehaviour,
    functions,
    models: model.functions,
    deadLetters,
    log,
  });
  const store = executionStore(sqlite);
  const runner = executionRunner({ store, clock, functions, observer, log });
  const { rules, machines } = model;
  Object.assign(services, {
    DynamoDB_20120810: database.handle,
    AWSStepFunctions: stepFunctionsApi({ machines, store, runner, now: clock.now }),
    AWSEvents: eventBus({ sqlite, clock, misbehaviour, queue, rules, region, log }),
    secretsmanager: secretsApi({
      folder: data,
      secrets: options.secrets ?? {},
      generate: model.generatedSecrets,
      region,
      now: clock.now,
    }),
  });
  const api = await listen(apiListener({ routes: model.routes, functions, clock, log }), {
    host: apiHost,
    port: options.apiPort ?? 0,
  });
  undo.push(() => {
    api.drain().catch(() => undefined);
    api.close();
  });

  const mappings = startMappings(model.mappings, {
    sqlite,
    clock,
    misbehaviour,
    source: database,
    functions,
    deadLetters,
    log,
  });
  const schedules = startSchedules({ sqlite, clock, queue, rules, region, log });
  const stopSweeper = startSweeper(clock, log, () => {
    database.sweep();
    deadLetters.sweep();
    store.sweep(clock.now());
  });
  runner.resume();
  queue.pump();

  const shutDown = async () => {
    stopSweeper();
    schedules.close();
    await atMost(CLOSE_PATIENCE_MS, Promise.all([api.drain(), functions.close()]));
    await setImmediate();
    mappings.close();
    queue.close();
    runner.close();
    api.close();
    const drained = aws.drain();
    aws.close();
    await drained;
    for (const act of undo.splice(0, 2).reverse()) act();
  };
  let closing: Promise<void> | undefined;
  return {
    apiUrl: api.url,
    awsEndpoint: aws.url,
    credentials,
    database,
    clock,
    deadLetters: deadLetters.all,
    executions: store.all,
    enableMappings: mappings.enable,
    close: () => {
      closing ??= shutDown();
      return closing;
    },
  };
};
