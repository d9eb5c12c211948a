import { expect, test } from "vitest";
import { putConstraints } from "../../lib/client/constraints.ts";
import { quickCloud } from "./quick-cloud.ts";
import { type Play, theStage } from "./stage.ts";

const cloud = quickCloud({ hosts: 3, instances: 0 });
cloud.instances.push(
  { name: "web-1", project: "alpha", flavor: "m1.tiny", host: "cmp-01" },
  { name: "web-2", project: "alpha", flavor: "m1.tiny", host: "cmp-01" },
  // So that one host has the most room for both.
  ...[1, 2, 3].map((n) => ({
    name: `other-${n}`,
    project: "beta",
    flavor: "m1.tiny" as const,
    host: "cmp-03",
  })),
);

const onStage = theStage({ cloud });

/** Project alpha puts all that it has into a group of its own making. */
const grouped = async (
  { simulator, apiAs }: Play,
  limits: { readonly anti_affinity_group?: boolean; readonly max_instances_per_host?: number },
) => {
  const config = simulator.tenants["alpha"];
  if (config === undefined) throw new Error("there is no project alpha");
  const api = apiAs(config);
  const group_id = crypto.randomUUID();
  await putConstraints(api, "group", group_id, { ...limits, recovery_time: 0 });
  for (const { id, name } of simulator.world.instances.values())
    if (name.startsWith("web"))
      await putConstraints(api, "instance", id, { group_id, lead_time: 0 });
};

const destinations = async ({ open, ended }: Play, host: string) => {
  const session = await open({ hosts: [host] });
  const { detail } = await ended(session);
  return detail.instances.map(({ destination_host }) => destination_host).toSorted();
};

test(
  "instances go where there is the most room, and to no host that bears no further member of their owner's group",
  onStage(async (play) => {
    expect(await destinations(play, "cmp-01")).toEqual(["cmp-02", "cmp-02"]);

    await grouped(play, { max_instances_per_host: 2 });
    expect(await destinations(play, "cmp-02")).toEqual(["cmp-01", "cmp-01"]);

    await grouped(play, { max_instances_per_host: 1 });
    expect(await destinations(play, "cmp-01")).toEqual(["cmp-02", "cmp-03"]);

    await grouped(play, { anti_affinity_group: true });
    expect(await destinations(play, "cmp-02")).toEqual(["cmp-01"]);
  }),
);
