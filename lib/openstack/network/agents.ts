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
});
export type Agent = z.infer<typeof agentSchema>;

/** GET /v2.0/agents, admin only. */
export const listAgents = async (
  client: ServiceClient,
  query: { readonly host?: string } = {},
): Promise<Agent[]> => {
  const schema = z.object({ agents: z.array(agentSchema) });
  return (await call(client, `/agents?${new URLSearchParams(query)}`, schema)).agents;
};
