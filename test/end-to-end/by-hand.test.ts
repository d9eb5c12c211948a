import { expect, test } from "vitest";
import { getHost, setHostMaintenance, unsetHostMaintenance } from "../../lib/client/hosts.ts";
import { getMaintenanceDetail } from "../../lib/client/maintenance.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({ cloud: quickCloud({ hosts: 6, instances: 12 }) });

test(
  "a host that is set by hand is emptied and held, and comes back when it is unset",
  onStage(async ({ judged, when, ended, api }) => {
    const id = judged(await setHostMaintenance(api, "cmp-01", { reason: "burnt DIMM" }));
    await when(id, "the host to be held", ({ attention }) =>
      attention.some(({ code }) => code === "host_held"),
    );
    expect(await setHostMaintenance(api, "cmp-01", { reason: "burnt DIMM" })).toBe(id);
    expect(await unsetHostMaintenance(api, "cmp-01")).toBe(id);
    await ended(id);
    expect(await getMaintenanceDetail(api, id)).toMatchObject({
      result: "done",
      session: { reason: "burnt DIMM" },
      hosts: [{ hostname: "cmp-01", outcome: "maintained" }],
    });
    expect((await getHost(api, "cmp-01")).service.status).toBe("enabled");
  }),
);
