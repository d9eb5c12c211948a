/** The resources of one template, resolved: what the embedded stack builds and wires. */
export type StackModel = {
  readonly functions: readonly FunctionModel[];
  readonly tables: readonly TableModel[];
  readonly mappings: readonly MappingModel[];
  readonly machines: readonly MachineModel[];
  readonly buses: readonly string[];
  readonly rules: readonly RuleModel[];
  readonly queues: readonly QueueModel[];
  readonly routes: readonly RouteModel[];
  readonly generatedSecrets: readonly GeneratedSecretModel[];
};

export type FunctionModel = {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  /** `file.export`, as the template names it. */
  readonly handler: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Absent = not limited. */
  readonly reservedConcurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly asynchronous: AsynchronousModel;
};

/** How Lambda treats an event that nobody waits for. */
export type AsynchronousModel = {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeMs: number;
  /** Queue that gets the invocation record. */
  readonly onFailure?: string;
  /** Queue that gets the event itself. */
  readonly deadLetters?: string;
};

export type TableModel = { readonly name: string; readonly definition: unknown };

export type MappingModel = {
  readonly id: string;
  readonly table: string;
  readonly streamArn: string;
  readonly functionArn: string;
  readonly batchSize: number;
  readonly bisect: boolean;
  readonly reportsItemFailures: boolean;
  /** -1 = until the records leave the stream. */
  readonly maximumRetryAttempts: number;
  readonly onFailure?: string;
  readonly filters: readonly unknown[];
};

export type MachineModel = {
  readonly name: string;
  readonly arn: string;
  /** The ASL document, substitutions made. */
  readonly definition: unknown;
};

export type RuleModel = {
  readonly name: string;
  readonly arn: string;
  readonly bus: string;
  readonly pattern?: unknown;
  readonly everyMs?: number;
  readonly targets: readonly { readonly functionArn: string; readonly input?: string }[];
};

export type QueueModel = { readonly name: string; readonly retentionMs: number };

/** A secret that the stack makes up once: so many letters and digits. */
export type GeneratedSecretModel = { readonly name: string; readonly length: number };

export type RouteModel = {
  /** As in the template: `ANY /v1/hosts/{proxy+}` or `$default`. */
  readonly key: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
};
