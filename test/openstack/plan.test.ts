import { expect, onTestFinished, test } from "vitest";
import {
  getMaintenanceDetail,
  type NewMaintenance,
  type SessionDetail,
} from "../../lib/client/maintenance.ts";
import { listOperations } from "../../lib/client/plans.ts";
import { type Api, collect } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { listServices } from "../../lib/openstack/compute/services.ts";
import { madePlan } from "../end-to-end/made-plan.ts";
import { labClouds } from "./lab.ts";
import { clearLeftovers, cloudConfigOf, startLullOnLab } from "./lull-on-lab.ts";
import { WITHIN_MS } from "./whole-session.ts";

const SESSION = { canary: false, actions: [{ plugin: "hold", metadata: { seconds: 5 } }] };

/** How often to look whether a plan is made. */
const LOOK_EVERY_MS = 200;

/** Hosts in the order in which they were begun. */
const startedIn = ({ hosts }: SessionDetail): string[] =>
  hosts
    .toSorted((a, b) => ((a.started_at ?? "") < (b.started_at ?? "") ? -1 : 1))
    .map(({ hostname }) => hostname);

/** Plans a session, has it played, and says how far the one was from the other. */
const planAndPlay = async (
  api: Api,
  lull: Awaited<ReturnType<typeof startLullOnLab>>,
  body: NewMaintenance,
) => {
  const plan = await madePlan(api, body, LOOK_EVERY_MS);
  expect(plan).toMatchObject({ status: "ready", error: null });
  const began = Date.now();
  const sessionId = await lull.open(body);
  const { attention } = await lull.ended(sessionId, WITHIN_MS - 60_000);
  const took = (Date.now() - began) / 1000;

  const { makespan_seconds = 0, hosts_blocked } = plan.outcomes?.["fastest"] ?? {};
  expect({ attention, hosts_blocked }).toEqual({ attention: [], hosts_blocked: 0 });
  const operations = await collect(listOperations(api, plan.plan_id, { sessionId }));
  const moves = operations.filter(({ what }) => what === "move");
  const opened = operations.flatMap(({ what, host }) => (what === "open" ? [host] : []));
  const started = startedIn(await getMaintenanceDetail(api, sessionId));
  console.log(
    `${body.hosts.join(", ")}: ${makespan_seconds.toFixed(0)} s planned, ${took.toFixed(0)} s taken, ` +
      `an error of ${(100 * (makespan_seconds / took - 1)).toFixed(0)} %; ` +
      `${moves.filter(({ to, went_to }) => to === went_to).length} of ${moves.length} moves as planned, ` +
      `hosts planned ${opened.join(" ")}, begun ${started.join(" ")}`,
  );
  expect(operations.length).toBeGreaterThan(1);
  expect(operations.filter(({ state }) => state !== "SUCCEEDED")).toEqual([]);
  expect(started[0]).toBe(opened[0]);
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
    const names = services.map(({ host }) => host).toSorted();

    for (const host of names.slice(0, 2))
      await planAndPlay(api, lull, { ...SESSION, hosts: [host] });

    const several = { ...SESSION, hosts: names, max_parallel_hosts: 2 };
    await planAndPlay(api, lull, several);
    // By now it is known how long moves and work take here.
    await planAndPlay(api, lull, several);
  },
  WITHIN_MS,
);
