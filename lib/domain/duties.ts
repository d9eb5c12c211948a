/** A service of Nova or Cinder, or an agent of Neutron, wherever it runs. */
export type Duty = {
  /** As its list names it; a Cinder service's is `host@backend`. */
  readonly host: string;
  readonly name: string;
};

/** An agent of Neutron, with what it says of itself. */
export type SeenAgent = {
  readonly host: string;
  readonly agent_type: string;
  readonly configurations: Readonly<Record<string, unknown>>;
};

/** Agents that serve more than the instances of their own host. */
const SHARED_AGENTS: readonly RegExp[] = [
  /^L3 agent$/,
  /^DHCP agent$/,
  /^OVN Controller Gateway agent$/,
  /^Loadbalancer/,
  /^VPN agent$/,
  /^BGP dynamic routing agent$/,
];

/** Modes in which an L3 agent routes for its own host alone. */
const LOCAL_ROUTERS: ReadonlySet<unknown> = new Set(["dvr", "dvr_no_external"]);

/** The agents that do more than serve the instances of their own host. */
export const dutiesOfAgents = (agents: readonly SeenAgent[]): Duty[] =>
  agents
    .filter(
      ({ agent_type, configurations }) =>
        SHARED_AGENTS.some((type) => type.test(agent_type)) &&
        !LOCAL_ROUTERS.has(configurations["agent_mode"]),
    )
    .map(({ host, agent_type }) => ({ host, name: agent_type }));

/**
 * What each host does besides running instances, by host: the cloud would miss it during the work,
 * and moving instances away does not move it.
 */
export const dutiesByHost = (duties: readonly Duty[]): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...Map.groupBy(duties, ({ host }) => host.split("@")[0] ?? host)].map(([host, found]) => [
      host,
      [...new Set(found.map(({ name }) => name))].toSorted(),
    ]),
  );
