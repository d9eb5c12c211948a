import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { type Cloud, openCloud } from "../../../lib/openstack/cloud.ts";
import { listHypervisors } from "../../../lib/openstack/compute/hypervisors.ts";
import { listInstanceActions } from "../../../lib/openstack/compute/instance-actions.ts";
import { listMigrations } from "../../../lib/openstack/compute/migrations.ts";
import { listServerGroups } from "../../../lib/openstack/compute/server-groups.ts";
import { listServices } from "../../../lib/openstack/compute/services.ts";
import {
  capacityOf,
  inventories,
  usages,
} from "../../../lib/openstack/placement/resource-providers.ts";
import { bringUp, healLab, labClouds, setFaults } from "../lab.ts";
import {
  clearLeftovers,
  cloudConfigOf,
  type Detail,
  type LullOnLab,
  startLullOnLab,
} from "../lull-on-lab.ts";
import { startHostWork } from "./host-work.ts";
import { trouble } from "./incidents.ts";
import { type Deed, judge } from "./judge.ts";
import { observe, type Seen } from "./observer.ts";
import { reportOf } from "./report.ts";

const LONGEST_MS = 45 * 60_000;
const PROGRESS_MS = 30_000;

/** Where LULL_PUBLIC_URL, to which host work reports, points unless told otherwise. */
const PORT = 12_347;

/** Short, so that what waits for a dead host gives up within the night. */
const SETTINGS = {
  LULL_DRAIN_MINUTES: "8",
  LULL_ACTION_MINUTES: "5",
  LULL_VERIFY_MINUTES: "5",
  LULL_EGRESS_ALLOW: "127.0.0.0/8",
  // Two and a half of the lab's heartbeats, as the default is of Nova's.
  LULL_HEARTBEAT_SECONDS: "12",
};

/** One night over every host of the lab. @returns whether all is explained and the judge is content */
export const night = async (): Promise<boolean> => {
  await bringUp();
  await healLab();
  const open = async (cloud: string) => openCloud(await cloudConfigOf(cloud));
  const admin = await open(labClouds.admin);
  const owners = [await open(labClouds.alice), await open(labClouds.bob)];
  await clearLeftovers(admin);

  const before = await listServices(admin.compute, { binary: "nova-compute" });
  const groups = await listServerGroups(admin.compute, { all_projects: true });
  const migrated = (await listMigrations(admin.compute, { limit: 1 }))[0]?.id ?? 0;
  const began = new Date();
  const hostWork = await startHostWork(admin);
  const lull = await startLullOnLab(labClouds.operator, SETTINGS, { port: PORT });
  const { seen, stop } = observe(admin);
  try {
    const session = await lull.open({
      hosts: before.map(({ host }) => host),
      max_parallel_hosts: 4,
      canary: false,
      actions: [{ plugin: "webhook", metadata: { url: hostWork.url } }],
    });
    console.log(`session ${session} over ${before.length} hosts, API ${lull.url}`);
    let over = false;
    const incidents = trouble({ admin, owners, lull, session }, () => over);
    const detail = await followed(lull, session);
    over = true;
    const evidence = {
      session,
      engine: await userOf(await open(labClouds.operator)),
      detail,
      seen,
      before,
      incidents: await incidents,
      work: hostWork.done,
      groups,
      after: await listServices(admin.compute, { binary: "nova-compute" }),
      migrations: (await listMigrations(admin.compute)).filter(({ id }) => id > migrated),
      deeds: await deedsSince(admin, seen, began),
      overfull: await overfull(admin),
    };
    const verdicts = judge(evidence);
    console.log(`\n${reportOf(evidence, verdicts)}`);
    console.log(`\n${Math.round((Date.now() - began.getTime()) / 1000)} s`);
    return verdicts.every(({ broken }) => broken.length === 0);
  } finally {
    await stop();
    await lull.close();
    hostWork.close();
    await setFaults({});
  }
};

/** The session until it is over. Whoever is on duty resumes it when it has paused itself. */
const followed = async (lull: LullOnLab, session: string): Promise<Detail> => {
  const until = performance.now() + LONGEST_MS;
  let said = 0;
  for (;;) {
    const detail = await lull.detail(session);
    const over = /DONE|FAILED/.test(detail.session.state);
    if (over || performance.now() > said + PROGRESS_MS) {
      said = performance.now();
      console.log(progressOf(detail));
    }
    if (over || performance.now() > until) return detail;
    if (detail.control === "paused") {
      console.log("paused:", JSON.stringify(detail.attention));
      await lull.call("POST", `/v1/maintenance/${session}/resume`, { reason: "the night goes on" });
    }
    await pause(2_000);
  }
};

const progressOf = ({ session, hosts, attention }: Detail): string => {
  const phases = Map.groupBy(hosts, ({ phase, outcome }) => outcome ?? phase);
  const counts = [...phases].map(([phase, all]) => `${all.length} ${phase}`).join(", ");
  return `${new Date().toISOString().slice(11, 19)} ${session.state}: ${counts}; ${attention.length} for people`;
};

/** The user whose token it is. */
const userOf = async ({ identity, token }: Cloud): Promise<string> => {
  const own = await token();
  const reply = await fetch(`${await identity.endpoint()}/auth/tokens`, {
    headers: { "x-auth-token": own, "x-subject-token": own },
  });
  const schema = z.object({ token: z.object({ user: z.object({ id: z.string() }) }) });
  return schema.parse(await reply.json()).token.user.id;
};

const deedsSince = async ({ compute }: Cloud, seen: Seen, began: Date): Promise<Deed[]> => {
  const since = began.toISOString().slice(0, 19);
  const deeds: Deed[] = [];
  for (const server of seen.servers.keys())
    for (const { action, user_id: user, start_time: at } of await listInstanceActions(
      compute,
      server,
    ))
      if (at >= since) deeds.push({ server, action, user, at });
  return deeds;
};

const overfull = async ({ compute, placement }: Cloud): Promise<string[]> => {
  const found: string[] = [];
  for (const { id, hypervisor_hostname } of await listHypervisors(compute)) {
    const used = await usages(placement, id);
    for (const [name, inventory] of Object.entries(await inventories(placement, id)))
      if ((used[name] ?? 0) > capacityOf(inventory))
        found.push(`${hypervisor_hostname} has more ${name} in use than it has`);
  }
  return found;
};
