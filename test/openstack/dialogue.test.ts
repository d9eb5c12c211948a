import { expect, onTestFinished, test } from "vitest";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { listMigrations } from "../../lib/openstack/compute/migrations.ts";
import { listServers } from "../../lib/openstack/compute/servers.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { freePort } from "../../localstack/demo/stage.ts";
import { doctorVnfm } from "../managers/dialects.ts";
import { startManager } from "../managers/manager.ts";
import { prompt } from "../managers/tempers.ts";
import { deleteAlarms } from "./alarms.ts";
import { labClouds } from "./lab.ts";
import { clearLeftovers, cloudConfigOf, startLullOnLab } from "./lull-on-lab.ts";
import { WITHIN_MS } from "./whole-session.ts";

test(
  "a manager that listens by an alarm of the real Aodh is asked about each of its servers, and each is moved as it chose",
  async () => {
    const admin = openCloud(await cloudConfigOf(labClouds.admin));
    await clearLeftovers(admin);
    const config = await cloudConfigOf(labClouds.alice);
    const alice = openCloud(config);
    await deleteAlarms(alice);
    const own = await listServers(alice.compute);
    const known = await listServers(admin.compute, { all_tenants: true });
    const host = known.find(({ id }) => own.some((one) => one.id === id))?.host ?? "";
    const ids = known
      .filter((one) => one.host === host && own.some(({ id }) => id === one.id))
      .map(({ id }) => id)
      .toSorted();

    const manager = await startManager({
      config,
      clock: scaledClock(),
      dialect: doctorVnfm,
      temper: prompt("MIGRATE"),
    });
    onTestFinished(async () => {
      await manager.close();
      await deleteAlarms(alice);
    });
    const port = await freePort();
    const settings = {
      LULL_PUBLIC_URL: `http://127.0.0.1:${port}`,
      LULL_EGRESS_ALLOW: "127.0.0.0/8",
      LULL_CONFIRM_SECONDS: "1",
    };
    const lull = await startLullOnLab(labClouds.operator, settings, { port });
    onTestFinished(lull.close);

    const session = await lull.open({ hosts: [host], workflow: "vnf", profile: "doctor" });
    const ended = await lull.ended(session, WITHIN_MS - 60_000);

    expect(ended).toMatchObject({ session: { state: "MAINTENANCE_DONE" }, attention: [] });
    const askedAbout = manager
      .told("PREPARE_MAINTENANCE")
      .flatMap(({ instance_ids }) => instance_ids);
    expect(askedAbout.toSorted()).toEqual(ids);
    const arrived = manager
      .told("INSTANCE_ACTION_DONE")
      .flatMap(({ instance_ids }) => instance_ids);
    expect(arrived.toSorted()).toEqual(ids);
    expect(manager.told("MAINTENANCE_COMPLETE")).toHaveLength(1);
    for (const id of ids) {
      const [newest] = await listMigrations(admin.compute, { instance_uuid: id, limit: 1 });
      expect(newest).toMatchObject({ migration_type: "migration", status: "confirmed" });
    }
    const after = await listServers(admin.compute, { all_tenants: true });
    expect(after.filter(({ id }) => ids.includes(id)).map(({ status }) => status)).toEqual(
      ids.map(() => "ACTIVE"),
    );
  },
  WITHIN_MS,
);
