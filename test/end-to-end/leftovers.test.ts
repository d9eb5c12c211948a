import { expect, test } from "vitest";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { deleteAllocations } from "../../lib/openstack/placement/resource-providers.ts";
import { quickCloud, theStage } from "./stage.ts";

const onStage = theStage({ cloud: quickCloud({ hosts: 3, instances: 3 }) });

test(
  "an allocation that nothing explains keeps a host from its work, named with its cure, until a human removes it",
  onStage(async ({ open, when, ended, simulator }) => {
    const host = "cmp-01";
    const [guest] = [...simulator.world.instances.values()].filter((one) => one.host !== host);
    const leftover = simulator.happen({
      kind: "leave_allocation",
      instance: guest?.id ?? "",
      host,
    });
    const session = await open({ hosts: [host] });
    const { detail } = await when(session, "the leftover to be named", ({ attention }) =>
      attention.some(({ message }) => message.includes("Placement holds")),
    );

    expect(detail.hosts).toMatchObject([{ hostname: host, phase: "VERIFYING_EMPTY" }]);
    expect(detail.attention).toMatchObject([
      { host, message: expect.stringContaining(`openstack server show ${leftover}`) },
    ]);

    await deleteAllocations(openCloud(simulator.config).placement, leftover ?? "");
    const { detail: end } = await ended(session);

    expect(end.session.state).toBe("MAINTENANCE_DONE");
  }),
);
