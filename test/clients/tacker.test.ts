import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../localstack/demo/stage.ts";
import type { Simulator } from "../../localstack/openstack/simulator.ts";
import { quickCloud } from "../end-to-end/quick-cloud.ts";
import { type Play, theStage } from "../end-to-end/stage.ts";
import { pythonPrograms } from "../python.ts";
import { startHeat } from "./heat.ts";
import { startTacker } from "./tacker.ts";

const programs = await pythonPrograms("Tacker", join(import.meta.dirname, "requirements.txt"));

/** With the commas of the example in Tacker's documents, which become part of the values. */
const CONFIGURATION = `
maintenance:
  max_impacted_members: 1,
  recovery_time: 5,
  mitigation_type: True,
  lead_time: 30,
  max_interruption_time: 120,
  migration_type: 'MIGRATE'
`;

const [port, heatPort] = [await freePort(), await freePort()];
const PROJECTS = ["choosing", "full"];
const cloud = {
  ...quickCloud({ hosts: 0, instances: 0, projects: 0 }),
  projects: PROJECTS.map((name) => ({ name, user: `user-of-${name}` })),
  maintenance_endpoints: { RegionOne: `http://127.0.0.1:${port}/v1` },
  orchestration: `http://127.0.0.1:${heatPort}/heat-api/v1`,
};
/** Hosts of a project: all but the last are filled, with two processors each. */
const HOSTS = {
  choosing: ["choosing-1", "choosing-2", "choosing-3"],
  full: ["full-1", "full-2"],
};
for (const [project, hosts] of Object.entries(HOSTS)) {
  for (const name of hosts) cloud.hosts.push({ name, zone: project, vcpus: 2, cpu_ratio: 1 });
  const filled = project === "full" ? hosts : hosts.slice(0, 1);
  for (const [n, host] of filled.flatMap((host) => [host, host]).entries())
    cloud.instances.push({
      name: `${project}-${n}`,
      project,
      flavor: "m1.tiny",
      host,
      pinned_az: project,
    });
}

describe.skipIf(programs === null)("Tacker's own maintenance plug-in", () => {
  const onStage = theStage({
    cloud,
    port,
    settings: { LULL_EGRESS_ALLOW: "127.0.0.0/8", LULL_CONFIRM_SECONDS: "2" },
  });

  let simulator: Simulator | undefined;
  const heat = startHeat(heatPort, () => {
    if (!simulator) throw new Error("the cloud is not there yet");
    return simulator;
  });
  afterAll(async () => (await heat).close());

  const start = async (play: Play, project: keyof typeof HOSTS, scalesBy: number) => {
    await heat;
    simulator = play.simulator;
    const config = play.simulator.tenants[project];
    if (config === undefined || programs === null) throw new Error(`no ${project}, or no Tacker`);
    const { clock } = play;
    const tacker = await startTacker(programs, {
      config,
      clock,
      configuration: CONFIGURATION,
      scalesBy,
    });
    onTestFinished(() => void tacker.kill());
    play.owners(tacker);
    return tacker;
  };

  /** It answers at once: the times are for a busy machine. */
  const open = (play: Play, hosts: readonly string[], targets: readonly string[]) =>
    play.open({
      hosts,
      targets,
      workflow: "vnf",
      profile: "doctor",
      dialogue: { reply_seconds: 900, scale_seconds: 900 },
      metadata: { openstack_version: "Epoxy" },
      maintenance_at: new Date(play.clock.now() + 30_000).toISOString(),
    });

  /** It takes back its constraints and ends; what it was not answered with 200 it would send five times. */
  const expectContent = async (tacker: Awaited<ReturnType<typeof startTacker>>) => {
    expect(await tacker.close()).toBe(0);
    expect(tacker.failed()).toEqual([]);
    expect(tacker.sent().filter(({ status }) => status !== 200)).toEqual([]);
    const kept = (method: string) =>
      tacker
        .sent()
        .filter((one) => one.method === method && !one.url.includes("/maintenance/"))
        .map(({ url }) => url)
        .toSorted();
    expect(kept("DELETE")).toEqual(kept("PUT"));
  };

  const idsOf = ({ simulator: { world } }: Play, project: string): string[] =>
    [...world.instances.values()]
      .filter(({ name, vm_state }) => name.startsWith(project) && vm_state === "active")
      .map(({ id }) => id)
      .toSorted();

  test(
    "is asked about each instance of a host, and each is moved as it says",
    onStage(async (play) => {
      const tacker = await start(play, "choosing", 0);
      const [host = "", ...targets] = HOSTS.choosing;
      const { detail } = await play.ended(await open(play, [host], targets));

      expect(detail.session.state).toBe("MAINTENANCE_DONE");
      expect(tacker.told().map(({ state }) => state)).toEqual([
        "MAINTENANCE",
        "PREPARE_MAINTENANCE",
        "INSTANCE_ACTION_DONE",
        "PREPARE_MAINTENANCE",
        "INSTANCE_ACTION_DONE",
        "MAINTENANCE_COMPLETE",
      ]);
      const asked = tacker.told().filter(({ state }) => state === "PREPARE_MAINTENANCE");
      expect(asked.flatMap(({ instance_ids }) => instance_ids).toSorted()).toEqual(
        idsOf(play, "choosing"),
      );
      const moves = play.simulator.journal
        .filter(({ path }) => path.endsWith("/action"))
        .flatMap(({ body }) => Object.keys(Object(body)));
      expect(moves).toEqual(["migrate", "confirmResize", "migrate", "confirmResize"]);
      // Each choice is sent twice.
      const answers = tacker.sent().map(({ body }) => body?.["state"]);
      expect(answers.filter((state) => state === "ACK_PREPARE_MAINTENANCE")).toHaveLength(4);
      await expectContent(tacker);
    }),
  );

  test(
    "makes room in a full cloud, and takes it back when all is over",
    onStage(async (play) => {
      const tacker = await start(play, "full", 2);
      const before = idsOf(play, "full");
      const { detail } = await play.ended(await open(play, HOSTS.full, HOSTS.full));

      expect(detail.session.state).toBe("MAINTENANCE_DONE");
      expect(detail.hosts.map(({ outcome }) => outcome)).toEqual(["maintained", "maintained"]);
      expect(tacker.did()).toEqual(["scaled in", "scaled out"]);
      expect(idsOf(play, "full")).toHaveLength(before.length);
      await expectContent(tacker);
    }),
  );
});
