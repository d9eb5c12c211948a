import { expect, onTestFinished, test } from "vitest";
import { groupsApart, hostsToAvoid } from "../../lib/fleet/apart.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { getServer, liveMigrate } from "../../lib/openstack/compute/servers.ts";
import { virtualClock } from "../../localstack/clock.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../localstack/openstack/spec.ts";
import { NOW } from "../domain/builders.ts";

/** A group with two members on cmp-01, one of them the instance that is to move, and one on cmp-02. */
const staged = async (group: { policy: "anti-affinity"; max_server_per_host?: number }) => {
  const spec = cloudOf({ hosts: 4, instances: 0 });
  const clock = virtualClock(Date.parse(NOW));
  const simulator = await startSimulator({
    clock,
    cloud: {
      ...spec,
      groups: [{ name: "pairs", project: "alpha", ...group }],
      instances: [
        { name: "mover", host: "cmp-01" },
        { name: "here", host: "cmp-01" },
        { name: "there", host: "cmp-02" },
      ].map((one) => ({ project: "alpha", flavor: "m1.tiny", group: "pairs", ...one })),
    },
  });
  onTestFinished(simulator.close);
  const cloud = openCloud(simulator.config);
  const idOf = (name: string) =>
    [...simulator.world.instances.values()].find((one) => one.name === name)?.id ?? "";
  const avoided = async () => {
    const server = await getServer(cloud.compute, idOf("mover"));
    const hosts = await hostsToAvoid(cloud, server, await groupsApart(cloud, server));
    return hosts.toSorted();
  };
  /** A move of the other member from cmp-01 that has begun and not ended. */
  const onItsWay = async (host: string) => {
    await liveMigrate(cloud.compute, idOf("here"), { host });
    const isRunning = () => simulator.world.migrations.some(({ status }) => status === "running");
    expect(await clock.runUntil(isRunning, Date.parse(NOW) + 60_000)).toBe(true);
  };
  return { onItsWay, avoided };
};

test("an instance stays away from every host that bears a member of its group", async () => {
  const { avoided } = await staged({ policy: "anti-affinity" });

  expect(await avoided()).toEqual(["cmp-01", "cmp-02"]);
});

test("where a host may bear two members, it goes to one that bears one", async () => {
  const { avoided } = await staged({ policy: "anti-affinity", max_server_per_host: 2 });

  expect(await avoided()).toEqual([]);
});

test("a member that is on its way counts on both hosts", async () => {
  const { onItsWay, avoided } = await staged({ policy: "anti-affinity", max_server_per_host: 2 });
  await onItsWay("cmp-02");

  expect(await avoided()).toEqual(["cmp-02"]);
});
