import { expect, onTestFinished } from "vitest";
import { type Cloud, openCloud } from "../../lib/openstack/cloud.ts";
import { listServers } from "../../lib/openstack/compute/servers.ts";
import { listServices } from "../../lib/openstack/compute/services.ts";
import { labClouds } from "./lab.ts";
import { clearLeftovers, cloudConfigOf, startLullOnLab } from "./lull-on-lab.ts";

/**
 * Nova may refuse every host for a grouped server until each has told the scheduler anew what runs
 * on it: up to 126 s, see the lab's README. A session meets that a few times.
 */
export const WITHIN_MS = 1_200_000;

/** Status and reason of each compute service, by host. */
const services = async (admin: Cloud) =>
  Object.fromEntries(
    (await listServices(admin.compute, { binary: "nova-compute" })).map((service) => [
      service.host,
      [service.status, service.disabled_reason],
    ]),
  );

const servers = async (admin: Cloud) =>
  (await listServers(admin.compute, { all_tenants: true }))
    .map(({ id, status }) => `${id} ${status}`)
    .toSorted();

/**
 * A whole session over the chosen hosts, with the engine as `cloud`: every server ends where it may,
 * and every service as it was.
 */
export const maintain = async (
  cloud: string,
  choose: (hosts: readonly string[]) => readonly string[],
): Promise<void> => {
  const admin = openCloud(await cloudConfigOf(labClouds.admin));
  await clearLeftovers(admin);
  const lull = await startLullOnLab(cloud);
  onTestFinished(lull.close);
  const before = { services: await services(admin), servers: await servers(admin) };
  const hosts = choose(Object.keys(before.services).toSorted());

  const session = await lull.open({
    hosts,
    max_parallel_hosts: 2,
    canary: false,
    actions: [{ plugin: "hold", metadata: { seconds: 1 } }],
  });
  const ended = await lull.ended(session, WITHIN_MS - 60_000);

  expect(ended).toMatchObject({ session: { state: "MAINTENANCE_DONE" }, attention: [] });
  expect(ended.hosts.map(({ outcome }) => outcome)).toEqual(hosts.map(() => "maintained"));
  expect(ended.instances.every(({ state }) => state === "moved")).toBe(true);
  expect({ services: await services(admin), servers: await servers(admin) }).toEqual(before);
};
