import type { Simulation } from "../simulation.ts";

const SERVICES = [
  ["identity", "keystone", "/identity/v3"],
  ["compute", "nova", "/compute/v2.1"],
  ["placement", "placement", "/placement"],
  ["network", "neutron", "/network"],
  ["instance-ha", "masakari", "/instance-ha/v1"],
] as const;

/** Aodh is there unless told; Cinder is there if any host has a volume backend; its endpoint names the project. */
const servicesOf = ({ spec }: Simulation, projectId: string) => [
  ...SERVICES,
  ...(spec.alarming ? [["alarming", "aodh", "/alarming"] as const] : []),
  ...(spec.hosts.some(({ duties }) => duties.volume_backends.length > 0)
    ? [["volumev3", "cinder", `/block-storage/v3/${projectId}`] as const]
    : []),
];

const entry = (type: string, name: string, urls: Readonly<Record<string, string>>) => ({
  id: type,
  type,
  name,
  endpoints: Object.entries(urls).flatMap(([region, url]) =>
    ["public", "internal", "admin"].map((side) => ({
      id: `${type}-${region}-${side}`,
      interface: side,
      region_id: region,
      region,
      url,
    })),
  ),
});

/** Where each service is, on all three interfaces. */
export const catalog = (simulation: Simulation, projectId: string, base: string) => {
  const { region, maintenance_endpoints: lull, orchestration } = simulation.spec;
  return [
    ...servicesOf(simulation, projectId).map(([type, name, path]) =>
      entry(type, name, { [region]: base + path }),
    ),
    ...(orchestration === null
      ? []
      : [entry("orchestration", "heat", { [region]: `${orchestration}/${projectId}` })]),
    ...(Object.keys(lull).length > 0 ? [entry("maintenance", "lull", lull)] : []),
  ];
};
