import { expect, test } from "vitest";
import { deleteMaintenance, releaseHost } from "../../lib/client/maintenance.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { deleteAllocations } from "../../lib/openstack/placement/resource-providers.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

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

test(
  "a host that another session left in work is not given back unverified, but when it is released",
  onStage(async ({ open, when, ended, api, simulator }) => {
    const host = "cmp-02";
    const reason = "lull:6f3f0d0e-5b63-4c35-9a5c-3f4a5b6c7d8e aborted in work";
    simulator.happen({ kind: "set_service", host, status: "disabled", disabled_reason: reason });
    simulator.happen({ kind: "driver", faults: { "*": { live_migration: { seconds: 20 } } } });
    const session = await open({ hosts: [host] });
    await when(session, "the host to be emptied", ({ hosts }) => hosts[0]?.phase === "MOVING");
    await deleteMaintenance(api, session);
    const { detail } = await ended(session);

    expect(detail.hosts).toMatchObject([{ outcome: "failed" }]);
    expect(simulator.world.hosts.get(host)).toMatchObject({ status: "disabled" });

    simulator.happen({ kind: "clear_faults" });
    await releaseHost(api, session, host);
    const { detail: end } = await ended(session);

    expect(end.hosts).toMatchObject([{ outcome: "released" }]);
    expect(simulator.world.hosts.get(host)).toMatchObject({ status: "enabled" });
  }),
);
