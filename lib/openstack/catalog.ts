import { MissingServiceError } from "./errors.ts";
import type { Catalog } from "./identity/authenticate.ts";

export type Whereabouts = {
  readonly region_name?: string | undefined;
  readonly interface: "public" | "internal" | "admin";
};

/** Names under which deployments list a service besides its official type. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  alarming: ["alarm"],
  "instance-ha": ["ha"],
  "block-storage": ["volumev3", "block-store", "volume"],
  "root-cause-analysis": ["rca"],
};

/**
 * The URL of a service in the configured region and interface, undefined when there is none.
 *
 * @throws MissingServiceError when more than one region has it and none is configured
 */
export const findEndpoint = (
  catalog: Catalog,
  type: string,
  { region_name, interface: wanted }: Whereabouts,
): string | undefined => {
  const service = find(catalog, type);
  const endpoints = (service?.endpoints ?? [])
    .map((one) => ({ ...one, region: one.region_id ?? one.region ?? "" }))
    .filter((one) => one.interface === wanted);
  const here = endpoints.filter((one) => region_name === undefined || one.region === region_name);
  const regions = new Set(here.map((one) => one.region));
  if (regions.size > 1)
    throw new MissingServiceError(
      type,
      `service ${type} is in regions ${[...regions].sort().join(", ")}: set region_name (OS_REGION_NAME) to one of them`,
    );
  return here[0]?.url;
};

/**
 * The same of a service that has to be there.
 *
 * @throws MissingServiceError also when there is none
 */
export const endpointOf = (catalog: Catalog, type: string, whereabouts: Whereabouts): string => {
  const url = findEndpoint(catalog, type, whereabouts);
  if (url === undefined) throw new MissingServiceError(type, missing(catalog, type, whereabouts));
  return url;
};

/** Whether the catalog knows a service of this type, by whatever name. */
export const isListed = (catalog: Catalog, type: string): boolean =>
  find(catalog, type) !== undefined;

const find = (catalog: Catalog, type: string) =>
  [type, ...(ALIASES[type] ?? [])]
    .map((name) => catalog.find((entry) => entry.type === name))
    .find((entry) => entry !== undefined);

const missing = (
  catalog: Catalog,
  type: string,
  { region_name, interface: wanted }: Whereabouts,
): string => {
  const where = region_name === undefined ? "" : ` in region ${region_name}`;
  const types = catalog.map((entry) => entry.type).sort();
  return `the catalog has no ${wanted} endpoint of service ${type}${where}; it lists ${types.join(", ") || "nothing"}`;
};
