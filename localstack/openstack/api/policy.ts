import type { ServiceName } from "./errors.ts";
import { type Caller, Refused } from "./reply.ts";

/** The role for an engine that is no admin: what it needs and nothing else. */
export const OPERATOR_ROLE = "maintenance_operator";

const NOVA = [
  "os-services:list",
  "os-services:update",
  "servers:index:get_all_tenants",
  "servers:detail:get_all_tenants",
  "servers:allow_all_filters",
  "servers:show:host_status",
  "os-extended-server-attributes",
  "os-migrate-server:migrate_live",
  "os-migrate-server:migrate",
  "servers:confirm_resize",
  "servers:revert_resize",
  "os-migrations:index",
  "servers:migrations:index",
  "servers:migrations:delete",
  "servers:migrations:force_complete",
  "os-instance-actions:events:details",
  "os-server-groups:index:all_projects",
  "os-aggregates:index",
  "os-hypervisors:list",
  "os-hypervisors:list-detail",
  "os-hypervisors:show",
  "os-shelve:shelve_offload",
];
const PLACEMENT = [
  "resource_providers:list",
  "resource_providers:inventories:list",
  "resource_providers:usages",
  "resource_providers:traits:list",
  "resource_providers:allocations:list",
  "allocations:list",
  "allocation_candidates:list",
];
const NEUTRON = ["get_port:binding:host_id", "get_port_binding", "get_agent"];
const CINDER = ["volume_extension:services:index"];

const OPERATOR = new Set([
  ...NOVA.map((name) => `os_compute_api:${name}`),
  ...PLACEMENT.map((name) => `placement:${name}`),
  ...NEUTRON,
  ...CINDER,
]);

/** Whether the policy files let the caller do what is for admins by default. */
export const may = ({ user }: Caller, policy: string): boolean =>
  user.roles.includes("admin") || (user.roles.includes(OPERATOR_ROLE) && OPERATOR.has(policy));

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
