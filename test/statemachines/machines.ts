import { existsSync, readFileSync } from "node:fs";
import * as z from "zod";

const errorsSchema = z.object({ ErrorEquals: z.array(z.string()), Next: z.string().optional() });

const stateSchema = z.looseObject({
  Type: z.string(),
  Comment: z.string().optional(),
  Resource: z.string().optional(),
  Parameters: z.record(z.string(), z.unknown()).optional(),
  TimeoutSeconds: z.number().optional(),
  TimeoutSecondsPath: z.string().optional(),
  Seconds: z.number().optional(),
  SecondsPath: z.string().optional(),
  Retry: z.array(errorsSchema).default([]),
  Catch: z.array(errorsSchema).default([]),
  Choices: z
    .array(z.object({ Variable: z.string(), StringEquals: z.string(), Next: z.string() }))
    .default([]),
  Default: z.string().optional(),
  Next: z.string().optional(),
});
export type State = z.infer<typeof stateSchema>;

const machineSchema = z.looseObject({
  StartAt: z.string(),
  States: z.record(z.string(), stateSchema),
});

const rootUrl = new URL("../../", import.meta.url);

export const MACHINES = ["session", "host"] as const;
export type MachineName = (typeof MACHINES)[number];

export const textOf = (name: MachineName): string =>
  readFileSync(new URL(`statemachines/${name}.asl.json`, rootUrl), "utf8");

/** The states of a machine by name, as written. */
export const statesOf = (name: MachineName): Record<string, State> =>
  machineSchema.parse(JSON.parse(textOf(name))).States;

/** The states of these types, as [name, state]. */
export const statesOfType = (name: MachineName, ...types: string[]): [string, State][] =>
  Object.entries(statesOf(name)).filter(([, { Type }]) => types.includes(Type));

/** What a Choice routes its variable's values to. */
export const routesOf = (name: MachineName, choice: string): Record<string, string> => {
  const state = statesOf(name)[choice];
  if (state?.Type !== "Choice") throw new Error(`${name} has no Choice ${choice}`);
  return Object.fromEntries(state.Choices.map(({ StringEquals, Next }) => [StringEquals, Next]));
};

export const isFile = (path: string): boolean => existsSync(new URL(path, rootUrl));

/** The text of a file of the repository. */
export const sourceOf = (path: string): string => readFileSync(new URL(path, rootUrl), "utf8");

/** `MoveInstances` as `move-instances`. */
export const kebabCase = (name: string): string =>
  name.replaceAll(/(?<=[a-z])[A-Z]/g, "-$&").toLowerCase();

export const capitalised = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
