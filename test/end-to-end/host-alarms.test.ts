import { afterAll, expect, test } from "vitest";
import * as z from "zod";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { startReceiver } from "../delivery/receiver.ts";
import { makeAlarm } from "../openstack/alarms.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const traitSchema = z.tuple([z.string(), z.number(), z.unknown()]);
const bodySchema = z.object({
  reason_data: z.object({ event: z.object({ traits: z.array(traitSchema) }) }),
});

const SEED = 7;
const cloud = {
  ...quickCloud({ hosts: 0, instances: 0, projects: 0 }),
  projects: ["inspectors", "tenants"].map((name) => ({ name, user: `user-of-${name}` })),
  hosts: [{ name: "cmp-01" }, { name: "spare-1" }],
};

/** Ids come of the seed, so that one is known before the cloud is there that it will be of. */
const idOf = async (project: string): Promise<string> => {
  const simulator = await startSimulator({ clock: scaledClock(), cloud, seed: SEED });
  await simulator.close();
  return simulator.world.projects.find(({ name }) => name === project)?.id ?? "";
};

const LULL_HOST_EVENT_PROJECTS = await idOf("inspectors");
const onStage = theStage({
  cloud,
  seed: SEED,
  settings: { LULL_EGRESS_ALLOW: "127.0.0.0/8", LULL_HOST_EVENT_PROJECTS },
});

const [inspector, tenant] = [await startReceiver(), await startReceiver()];
afterAll(() => Promise.all([inspector.close(), tenant.close()]));

test(
  "an inspector's alarm fires when work on a host begins, and when the host is back; a tenant's never does",
  onStage(async (play) => {
    for (const [project, { url }] of [
      ["inspectors", inspector],
      ["tenants", tenant],
    ] as const) {
      const config = play.simulator.tenants[project];
      if (config === undefined) throw new Error(`there is no project ${project}`);
      const alarm = { event_type: "maintenance.host", alarm_actions: [url] };
      await makeAlarm(openCloud(config), alarm);
    }
    const session_id = await play.open({ hosts: ["cmp-01"] });
    await play.ended(session_id);
    await inspector.when(2);

    const traitsOf = ({ body }: { readonly body: unknown }) =>
      Object.fromEntries(
        bodySchema.parse(body).reason_data.event.traits.map(([name, , value]) => [name, value]),
      );
    const of = {
      service: "lull",
      project_id: LULL_HOST_EVENT_PROJECTS,
      session_id,
      host: "cmp-01",
    };
    expect(inspector.received.map(traitsOf)).toEqual([
      { ...of, state: "IN_MAINTENANCE" },
      { ...of, state: "MAINTENANCE_COMPLETE" },
    ]);
    expect(tenant.received).toEqual([]);
  }),
);
