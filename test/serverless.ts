import { readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod";

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()),
});

const schema = z.object({
  functions: z.record(
    z.string(),
    z.object({
      handler: z.string(),
      role: z.string(),
      timeout: z.int().optional(),
      events: z.array(z.record(z.string(), z.unknown())).default([]),
    }),
  ),
  resources: z.object({ Resources: z.record(z.string(), resourceSchema) }),
});

const read = () => {
  const text = readFileSync(new URL("../serverless.yml", import.meta.url), "utf8");
  return schema.parse(parse(text));
};

const { functions, resources } = read();

/** What serverless.yml deploys, as written there: variables and references are not resolved. */
export const serverless = {
  functions,
  resources: resources.Resources,
  /** @throws Error when there is no such resource of this type */
  resource: (name: string, type: string) => {
    const found = resources.Resources[name];
    if (found?.Type !== type) throw new Error(`serverless.yml has no ${type} named ${name}`);
    return found;
  },
};
