import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";

/** https://docs.openstack.org/api-ref/network/v2/#networking-agents-agents */
const agentSchema = z.object({
  id: z.string(),
  /** "Open vSwitch agent", "L3 agent", "DHCP agent", "OVN Controller agent", "OVN Controller Gateway agent" ... */
  agent_type: z.string(),
  binary: z.string(),
  host: z.string(),
  alive: z.boolean(),
  admin_state_up: z.boolean(),
  heartbeat_timestamp: z.string().nullish(),
  /** By agent type, e.g. {routers: 3} of an L3 agent and {networks: 2} of a DHCP agent. */
  configurations: z.record(z.string(), z.unknown()).default({}),
});
export type Agent = z.infer<typeof agentSchema>;

/** GET /v2.0/agents, admin only. */
export const listAgents = async (
  client: ServiceClient,
  query: { readonly host?: string; readonly agent_type?: string } = {},
): Promise<Agent[]> => {
  const schema = z.object({ agents: z.array(agentSchema) });
  return (await call(client, `/agents?${new URLSearchParams(query)}`, schema)).agents;
};

/**
 * DELETE /v2.0/agents/{id}, admin only: the record of an agent that is no more. One that still runs
 * reports itself anew.
 *
 * @throws OpenStackError 404 for an unknown one
 */
export const deleteAgent = async (
  client: ServiceClient,
  id: string,
  { requestId }: { readonly requestId?: string } = {},
): Promise<void> => {
  const options = { method: "DELETE", expect: [204], requestId } as const;
  await call(client, `/agents/${encodeURIComponent(id)}`, z.unknown(), options);
};
