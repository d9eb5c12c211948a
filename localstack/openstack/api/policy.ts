import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OPERATOR } from "../simulation.ts";
import type { ServiceName } from "./errors.ts";
import { type Caller, Refused } from "./reply.ts";

const FOLDER = join(import.meta.dirname, "../../../docs/policy");
const GRANT = new RegExp(`^"(.+?)": ".*role:${OPERATOR.role}\\b`, "gm");

const read = (): ReadonlySet<string> => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));
  const texts = files.map((name) => readFileSync(join(FOLDER, name), "utf8"));
  return new Set(texts.flatMap((text) => [...text.matchAll(GRANT)].map(([, name = ""]) => name)));
};

let granted: ReadonlySet<string> | undefined;

/** The rules that the policy files we give to operators let the engine's role through. */
const grants = (): ReadonlySet<string> => {
  granted ??= read();
  return granted;
};

/** Whether the policy files let the caller do what is for admins by default. */
export const may = ({ user }: Caller, policy: string): boolean =>
  user.roles.includes("admin") || (user.roles.includes(OPERATOR.role) && grants().has(policy));

/**
 * For what the members of the thing's own project may do, too.
 *
 * @throws Refused 403
 */
export const requireMembership = (
  caller: Caller,
  service: ServiceName,
  policy: string,
  projectId: string,
): void => {
  const isMember = caller.user.roles.includes("member") && caller.project?.id === projectId;
  if (!isMember) requirePolicy(caller, service, policy);
};

/** @throws Refused 403 */
export const requirePolicy = (caller: Caller, service: ServiceName, policy: string): void => {
  if (!may(caller, policy)) throw new Refused(403, refusalWords(service, policy));
};

const refusalWords = (service: ServiceName, policy: string): string => {
  if (service === "placement")
    return `Access was denied to this resource.\n\n Policy does not allow ${policy} to be performed.  `;
  if (service === "compute" || service === "block-storage")
    return `Policy doesn't allow ${policy} to be performed.`;
  if (service === "network") return `rule:${policy} is disallowed by policy`;
  return `You are not authorized to perform the requested action: ${policy}.`;
};
