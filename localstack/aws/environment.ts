import { TemplateError } from "./template/intrinsics.ts";
import type { FunctionModel } from "./template/model.ts";

/**
 * The variables of all functions together: one process has one environment.
 *
 * @throws TemplateError when two functions give one variable different values
 */
export const mergedEnvironment = (functions: readonly FunctionModel[]): Record<string, string> => {
  const merged: Record<string, string> = {};
  for (const { logicalId, environment } of functions)
    for (const [name, value] of Object.entries(environment)) {
      if (Object.hasOwn(merged, name) && merged[name] !== value)
        throw new TemplateError(
          `${logicalId} sets ${name} to another value than another function; give a function's own setting its own name`,
        );
      merged[name] = value;
    }
  return merged;
};

/** Sets what the handlers and the SDK inside them read; a profile would win over the access key. */
export const setEnvironment = (variables: Readonly<Record<string, string>>) => {
  delete process.env["AWS_PROFILE"];
  delete process.env["AWS_SESSION_TOKEN"];
  Object.assign(process.env, variables);
};
