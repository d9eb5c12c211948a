import { join } from "node:path";
import { pythonPrograms } from "../python.ts";

/** Programs of the Python packages in requirements.txt. */
type Tools = { readonly ministack: string; readonly cfnLint: string };

/** Null where they cannot be had; in CI that is an error. */
export const findTools = async (): Promise<Tools | null> => {
  const requirements = join(import.meta.dirname, "requirements.txt");
  const programs = await pythonPrograms("MiniStack and cfn-lint", requirements);
  if (programs === null) return null;
  return { ministack: join(programs, "ministack"), cfnLint: join(programs, "cfn-lint") };
};
