import type * as z from "zod";
import type { Simulation } from "../simulation.ts";
import type { Project, User } from "../world.ts";

export type Reply = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Caller = {
  readonly user: User;
  /** null for a token of system scope. */
  readonly project: Project | null;
  /**
   * Whether the services' own code takes the caller for an admin (their policy `context_is_admin`):
   * then it sees every project's things, and locks do not bind it. Policies are asked apart.
   */
  readonly admin: boolean;
};

export type Ask = {
  readonly simulation: Simulation;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  /** What this very request is called in logs and instance actions. */
  readonly requestId: string;
  /** [2, 93] for "compute 2.93". */
  readonly microversion: readonly [number, number];
  /** Where the whole cloud answers, e.g. http://127.0.0.1:5000. */
  readonly base: string;
};

export type Route = {
  readonly method: string;
  /** Below the service's root; groups become `params`. */
  readonly path: RegExp;
  /** Set: for whom this policy lets, by default admins alone. */
  readonly policy?: string;
  readonly handle: (ask: Ask) => Reply | Promise<Reply>;
};

/** A refusal in the service's own words; each service has its way to wrap it. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The body as `schema` wants it, else 400 with Nova's opening words. */
export const bodyAs = <S extends z.ZodType>({ body }: Ask, schema: S): z.infer<S> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") || "body";
  throw new Refused(400, `Invalid input for field/attribute ${field}. ${issue?.message}`);
};

/** 2026-11-22T09:38:15.000000, as Nova writes instants: UTC without saying so, whole seconds. */
export const novaTime = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}.000000`;

/** 2026-11-22T09:35:17Z */
export const zuluTime = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
