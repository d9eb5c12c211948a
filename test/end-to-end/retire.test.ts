import { expect, test } from "vitest";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({
  cloud: quickCloud({ hosts: 6, instances: 8 }),
  settings: { LULL_VERIFY_MINUTES: "2" },
});

test(
  "a host that is retired is forgotten by the cloud as soon as its nova-compute is stopped for good",
  onStage(async ({ open, when, ended, simulator }) => {
    const id = await open({
      hosts: ["cmp-01"],
      retire: true,
      actions: [{ plugin: "hold", metadata: { seconds: 5 } }],
    });
    await when(id, "Lull to wait until nova-compute is stopped", ({ attention }) =>
      attention.some(({ message }) => message.includes("stop it for good")),
    );
    expect(simulator.world.hosts.get("cmp-01")).toMatchObject({ status: "disabled" });
    simulator.happen({ kind: "kill_host", host: "cmp-01" });
    const { detail } = await ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(detail.hosts).toMatchObject([{ outcome: "retired" }]);
    expect(detail.instances.every(({ state }) => state === "moved")).toBe(true);
    expect(
      simulator.journal.filter(
        ({ method, path }) => method === "DELETE" && path.includes("/os-services/"),
      ),
    ).toHaveLength(1);
  }),
);

test(
  "a host whose service Nova does not delete is left for a human in time, with Nova's words",
  onStage(async ({ open, when, ended, simulator }) => {
    simulator.happen({
      kind: "fault",
      fault: {
        service: "compute",
        method: "DELETE",
        path: "^/os-services/",
        effect: { kind: "error", status: 409, message: "in-progress migrations" },
      },
    });
    const id = await open({ hosts: ["cmp-02"], retire: true });
    await when(id, "Lull to wait until nova-compute is stopped", ({ attention }) =>
      attention.some(({ message }) => message.includes("stop it for good")),
    );
    simulator.happen({ kind: "kill_host", host: "cmp-02" });
    const { detail } = await ended(id);
    simulator.happen({ kind: "clear_faults" });

    expect(detail.hosts).toMatchObject([{ outcome: "failed" }]);
    expect(detail.attention[0]?.message).toContain("in-progress migrations");
  }),
);
