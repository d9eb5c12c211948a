import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { getPlan, listOperations, startPlan } from "../../lib/client/plans.ts";
import { type Api, collect } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { listServices } from "../../lib/openstack/compute/services.ts";
import { labClouds } from "./lab.ts";
import { clearLeftovers, cloudConfigOf, startLullOnLab } from "./lull-on-lab.ts";
import { WITHIN_MS } from "./whole-session.ts";

const SESSION = { canary: false, actions: [{ plugin: "hold", metadata: { seconds: 5 } }] };

const madePlan = async (api: Api, hosts: readonly string[]) => {
  let plan = await startPlan(api, { ...SESSION, hosts });
  while (plan.status === "making") {
    await pause(200);
    plan = await getPlan(api, plan.plan_id);
  }
  return plan;
};

test(
  "a session on a real cloud does what its plan foresees, and the plan learns from the one before",
  async () => {
    const admin = openCloud(await cloudConfigOf(labClouds.admin));
    await clearLeftovers(admin);
    const lull = await startLullOnLab(labClouds.operator);
    onTestFinished(lull.close);
    const api: Api = { endpoint: lull.url, token: admin.token };
    const services = await listServices(admin.compute, { binary: "nova-compute" });
    const hosts = services.map(({ host }) => host).toSorted();

    for (const host of hosts.slice(0, 2)) {
      const plan = await madePlan(api, [host]);
      expect(plan).toMatchObject({ status: "ready", error: null });
      const began = Date.now();
      const session = await lull.open({ ...SESSION, hosts: [host] });
      const { attention } = await lull.ended(session, WITHIN_MS - 60_000);
      const took = (Date.now() - began) / 1000;

      const { makespan_seconds = 0, hosts_blocked } = plan.outcomes?.["fastest"] ?? {};
      console.log(
        `${host}: ${makespan_seconds.toFixed(0)} s planned, ${took.toFixed(0)} s taken, ` +
          `an error of ${(100 * (makespan_seconds / took - 1)).toFixed(0)} %`,
      );
      expect({ attention, hosts_blocked }).toEqual({ attention: [], hosts_blocked: 0 });
      const operations = await collect(listOperations(api, plan.plan_id, { sessionId: session }));
      expect(operations.length).toBeGreaterThan(1);
      expect(operations.filter(({ state }) => state !== "SUCCEEDED")).toEqual([]);
    }
  },
  WITHIN_MS,
);
