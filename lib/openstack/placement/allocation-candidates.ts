import * as z from "zod";
import { call, type ServiceClient } from "../http.ts";
import type { Amounts } from "./resource-providers.ts";

export type CandidateQuery = {
  readonly resources: Amounts;
  /** Providers with any of these are left out. */
  readonly forbidden?: readonly string[];
  readonly limit?: number;
};

export type Candidate = {
  readonly provider: string;
  /** By resource class; `capacity` already has reserve and overcommit in it. */
  readonly resources: Readonly<
    Record<string, { readonly capacity: number; readonly used: number }>
  >;
  readonly traits: readonly string[];
};

const schema = z.object({
  provider_summaries: z.record(
    z.string(),
    z.object({
      resources: z.record(z.string(), z.object({ capacity: z.number(), used: z.number() })),
      traits: z.array(z.string()).default([]),
      root_provider_uuid: z.string(),
    }),
  ),
});

/**
 * GET /allocation_candidates: hosts that have room, by Placement's account alone. Nested providers
 * are folded into their host. https://docs.openstack.org/api-ref/placement/#list-allocation-candidates
 */
export const candidates = async (
  client: ServiceClient,
  { resources, forbidden = [], limit }: CandidateQuery,
): Promise<Candidate[]> => {
  const wanted = Object.entries(resources).filter(([, amount]) => amount > 0);
  const search = new URLSearchParams({
    resources: wanted.map(([name, amount]) => `${name}:${amount}`).join(","),
    ...(forbidden.length > 0 && { required: forbidden.map((trait) => `!${trait}`).join(",") }),
    ...(limit !== undefined && { limit: String(limit) }),
  });
  const reply = await call(client, `/allocation_candidates?${search}`, schema);
  return byHost(reply.provider_summaries);
};

const byHost = (summaries: z.infer<typeof schema>["provider_summaries"]): Candidate[] => {
  const hosts = new Map<string, Candidate>();
  for (const { root_provider_uuid: provider, resources, traits } of Object.values(summaries)) {
    const host = hosts.get(provider);
    hosts.set(provider, {
      provider,
      resources: { ...host?.resources, ...resources },
      traits: [...(host?.traits ?? []), ...traits],
    });
  }
  return [...hosts.values()];
};
