import { expect, test } from "vitest";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const cloud = {
  ...quickCloud({ hosts: 2, instances: 0 }),
  groups: [
    {
      name: "pairs",
      project: "alpha",
      policy: "anti-affinity" as const,
      max_server_per_host: 2,
    },
  ],
};
for (const host of ["cmp-01", "cmp-02"])
  cloud.instances.push({
    name: `web-of-${host}`,
    project: "alpha",
    flavor: "m1.tiny",
    host,
    group: "pairs",
  });

const onStage = theStage({ cloud });

test(
  "a host is emptied onto one that bears a member of the same group, if Nova lets it bear two",
  onStage(async ({ open, ended }) => {
    const { detail } = await ended(await open({ hosts: ["cmp-01"] }));

    expect(detail.instances.map(({ destination_host }) => destination_host)).toEqual(["cmp-02"]);
  }),
);
