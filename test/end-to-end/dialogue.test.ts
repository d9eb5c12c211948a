import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { retryHost } from "../../lib/client/maintenance.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { enableService, getService } from "../../lib/openstack/compute/services.ts";
import type { InstanceSpec } from "../../localstack/openstack/spec.ts";
import { constrainAsDoctor, constrainAsTacker } from "../managers/constraints.ts";
import { doctorSample, doctorVnfm, tacker } from "../managers/dialects.ts";
import type { Manager } from "../managers/manager.ts";
import { impactsOn, outagesOf } from "../managers/outages.ts";
import { MARK } from "../managers/project.ts";
import {
  broken,
  crashing,
  ownAction,
  prompt,
  refusing,
  silent,
  slow,
  switching,
} from "../managers/tempers.ts";
import { theCast } from "./cast.ts";
import { quickCloud } from "./quick-cloud.ts";
import { type Play, theStage } from "./stage.ts";

/** Each project has hosts of its own, so that no session concerns the managers of another test. */
const HOSTS: Readonly<Record<string, readonly string[]>> = {
  vnfm: ["vnfm-1", "vnfm-2"],
  sample: ["sample-1", "sample-2"],
  tacker: ["tacker-1"],
  slow: ["slow-1"],
  silent: ["silent-1"],
  lost: ["lost-1"],
  broken: ["broken-1"],
  refusing: ["refusing-1"],
  own: ["own-1"],
  pair: ["pair-1", "pair-2"],
  group: ["group-1", "group-2"],
  crashing: ["crashing-1"],
  again: ["again-1"],
  alone: ["alone-1"],
};
const TARGETS = ["spare-1", "spare-2", "spare-3"];
const hostsOf = (project: string): readonly string[] => HOSTS[project] ?? [];

const cloud = {
  ...quickCloud({ hosts: 0, instances: 0, projects: 0 }),
  projects: Object.keys(HOSTS).map((name) => ({ name, user: `user-of-${name}` })),
  groups: [{ name: "pair", project: "pair", policy: "anti-affinity" as const }],
};
for (const name of [...Object.values(HOSTS).flat(), ...TARGETS]) cloud.hosts.push({ name });

const there = (project: string, name: string, host: string, more: Partial<InstanceSpec> = {}) =>
  cloud.instances.push({ name, project, flavor: "m1.tiny", host, ...more });

for (const [project, [first = "", second]] of Object.entries(HOSTS)) {
  if (project === "pair") continue;
  there(project, `${project}-a`, first);
  there(project, `${project}-b`, second ?? first);
}
there("again", "again-c", "again-1");
there("pair", "ha-a", "pair-1", { group: "pair", metadata: { [MARK]: "here" } });
there("pair", "ha-b", "pair-2", { group: "pair" });

const onStage = theStage({
  cloud,
  settings: { LULL_EGRESS_ALLOW: "127.0.0.0/8", LULL_CONFIRM_SECONDS: "2" },
});

const ROLES = {
  vnfm: { dialect: doctorVnfm, temper: prompt("MIGRATE") },
  sample: { dialect: doctorSample, temper: prompt("MIGRATE") },
  tacker: { dialect: tacker, temper: prompt("LIVE_MIGRATE") },
  slow: { dialect: doctorVnfm, temper: slow(30, prompt("MIGRATE")) },
  silent: { dialect: doctorVnfm, temper: silent },
  lost: { dialect: doctorVnfm, temper: prompt("MIGRATE"), hears: "webhook" as const },
  broken: { dialect: doctorVnfm, temper: broken },
  refusing: {
    dialect: doctorVnfm,
    temper: refusing(45, "a call is going on", prompt("MIGRATE")),
    hears: "webhook" as const,
  },
  own: { dialect: doctorVnfm, temper: ownAction(10) },
  pair: {
    dialect: doctorVnfm,
    temper: switching(({ name }) => name.startsWith("ha-"), "MIGRATE"),
  },
  group: { dialect: doctorVnfm, temper: prompt("MIGRATE") },
  again: { dialect: doctorVnfm, temper: prompt("MIGRATE") },
  crashing: {
    dialect: doctorVnfm,
    temper: crashing("PREPARE_MAINTENANCE", prompt("MIGRATE")),
  },
};
const managerOf = theCast(ROLES);

/** Long enough for whoever answers, on a busy machine; whoever does not keeps nobody waiting longer. */
const PATIENCE = { reply_seconds: 60, scale_seconds: 60 };
/** From the announcement to the start, in milliseconds. */
const NOTICE_MS = 60_000;

/** Opens the session of a project's hosts. */
const open = (
  play: Play,
  project: string,
  more: Partial<Parameters<Play["open"]>[0]> = {},
): Promise<string> =>
  play.open({
    hosts: hostsOf(project),
    targets: TARGETS,
    workflow: project === "sample" ? "default" : "vnf",
    dialogue: PATIENCE,
    metadata: { openstack_version: "Epoxy" },
    ...more,
  });

const instance = ({ simulator }: Play, name: string) => {
  const found = [...simulator.world.instances.values()].find(
    (one) => one.name === name && one.vm_state !== "deleted",
  );
  if (!found) throw new Error(`there is no instance ${name}`);
  return found;
};

/** How the instances of that name were moved, by Nova's journal. */
const movesOf = ({ simulator }: Play, id: string): string[] =>
  simulator.journal
    .filter(({ path }) => path === `/servers/${id}/action`)
    .flatMap(({ body }) => Object.keys(Object(body)));

const COLD = ["migrate", "confirmResize"];
const LIVE = ["os-migrateLive"];

const states = (manager: Manager) => manager.told().map(({ state }) => state);
const said = (manager: Manager) =>
  manager.journal.flatMap((entry) =>
    entry.kind === "said"
      ? [{ url: entry.url, body: entry.body, status: entry.answer.status }]
      : [],
  );
const choked = (manager: Manager) => manager.journal.filter(({ kind }) => kind === "choked");

test(
  "a manager of style vnf is asked about each instance, agrees to a cold move, and hears of its end",
  onStage(async (play) => {
    const vnfm = await managerOf(play, "vnfm");
    play.owners(vnfm);
    const [a, b] = [instance(play, "vnfm-a"), instance(play, "vnfm-b")];
    const maintenance_at = new Date(play.clock.now() + NOTICE_MS).toISOString();
    const id = await open(play, "vnfm", { maintenance_at });
    const { detail } = await play.ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(choked(vnfm)).toEqual([]);
    expect(states(vnfm)).toEqual([
      "MAINTENANCE",
      "PREPARE_MAINTENANCE",
      "INSTANCE_ACTION_DONE",
      "PLANNED_MAINTENANCE",
      "INSTANCE_ACTION_DONE",
      "MAINTENANCE_COMPLETE",
    ]);
    const url = `${play.api.endpoint}/v1/maintenance/${id}/${a.project_id}`;
    const [announced, ...rest] = vnfm.told();
    expect(announced).toMatchObject({
      project_id: a.project_id,
      session_id: id,
      instance_ids: url,
      allowed_actions: [],
      reply_url: url,
      metadata: { openstack_version: "Epoxy" },
    });
    for (const [n, one] of [a, b].entries()) {
      const [asked, done] = rest.slice(2 * n);
      expect(asked).toMatchObject({
        instance_ids: [one.id],
        allowed_actions: ["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"],
        reply_url: `${url}/${one.id}`,
        metadata: { openstack_version: "Epoxy" },
      });
      expect(asked?.reply_at).toBeTruthy();
      expect(done).toMatchObject({
        instance_ids: [one.id],
        allowed_actions: [],
        reply_url: `${url}/${one.id}`,
        metadata: {},
      });
      expect(movesOf(play, one.id)).toEqual(COLD);
    }
    expect(vnfm.told("MAINTENANCE_COMPLETE")[0]).toMatchObject({ instance_ids: url });
    expect(said(vnfm)).toEqual([
      { url, body: { state: "ACK_MAINTENANCE" }, status: 200 },
      {
        url: `${url}/${a.id}`,
        body: { instance_action: "MIGRATE", state: "ACK_PREPARE_MAINTENANCE" },
        status: 200,
      },
      {
        url: `${url}/${b.id}`,
        body: { instance_action: "MIGRATE", state: "ACK_PLANNED_MAINTENANCE" },
        status: 200,
      },
      { url, body: { state: "ACK_MAINTENANCE_COMPLETE" }, status: 200 },
    ]);
  }),
);

test(
  "a manager of style default finds its instances at an address and answers for all of them at once",
  onStage(async (play) => {
    const sample = await managerOf(play, "sample");
    play.owners(sample);
    const [a, b] = [instance(play, "sample-a"), instance(play, "sample-b")];
    const maintenance_at = new Date(play.clock.now() + NOTICE_MS).toISOString();
    const id = await open(play, "sample", { maintenance_at });
    await play.ended(id);

    expect(choked(sample)).toEqual([]);
    expect(states(sample)).toEqual([
      "MAINTENANCE",
      "PREPARE_MAINTENANCE",
      "INSTANCE_ACTION_DONE",
      "PLANNED_MAINTENANCE",
      "INSTANCE_ACTION_DONE",
      "MAINTENANCE_COMPLETE",
    ]);
    const url = `${play.api.endpoint}/v1/maintenance/${id}/${a.project_id}`;
    for (const { state, reply_url, instance_ids } of sample.told())
      if (state !== "INSTANCE_ACTION_DONE")
        expect({ reply_url, instance_ids }).toEqual({ reply_url: url, instance_ids: url });
    expect(said(sample).map(({ body }) => body)).toEqual([
      {
        instance_ids: [a.id, b.id].toSorted(),
        session_id: id,
        state: "ACK_MAINTENANCE",
      },
      {
        instance_actions: { [a.id]: "MIGRATE" },
        session_id: id,
        state: "ACK_PREPARE_MAINTENANCE",
      },
      {
        instance_actions: { [b.id]: "MIGRATE" },
        session_id: id,
        state: "ACK_PLANNED_MAINTENANCE",
      },
      { session_id: id, state: "ACK_MAINTENANCE_COMPLETE" },
    ]);
    for (const one of [a, b]) expect(movesOf(play, one.id)).toEqual(COLD);
  }),
);

test(
  "Tacker says all things twice, answers what nobody asked and writes commas into numbers, and it does no harm",
  onStage(async (play) => {
    const manager = await managerOf(play, "tacker");
    play.owners(manager);
    const members = [instance(play, "tacker-a"), instance(play, "tacker-b")];
    const group = {
      lull: play.api.endpoint,
      group_id: randomUUID(),
      project_id: members[0]?.project_id ?? "",
      max_impacted_members: 1,
      recovery: 10,
      lead: 90,
    };
    await constrainAsTacker(manager.project, group, members);
    await play.ended(await open(play, "tacker"));

    expect(choked(manager)).toEqual([]);
    expect([...new Set(said(manager).map(({ status }) => status))]).toEqual([200]);
    expect(said(manager).map(({ body }) => body["state"])).toEqual([
      "ACK_MAINTENANCE",
      "ACK_PREPARE_MAINTENANCE",
      "ACK_PREPARE_MAINTENANCE",
      "ACK_INSTANCE_ACTION_DONE",
      "ACK_PREPARE_MAINTENANCE",
      "ACK_PREPARE_MAINTENANCE",
      "ACK_INSTANCE_ACTION_DONE",
      "ACK_MAINTENANCE_COMPLETE",
    ]);
    for (const { id } of members) expect(movesOf(play, id)).toEqual(LIVE);
    const [first, second] = members
      .flatMap(({ id }) => impactsOn(play.simulator.world, id))
      .toSorted((one, other) => one.from - other.from);
    expect((second?.from ?? 0) - (first?.until ?? 0)).toBeGreaterThanOrEqual(10_000);
  }),
);

test(
  "a slow manager is waited for, and nothing is moved before it has answered",
  onStage(async (play) => {
    const manager = await managerOf(play, "slow");
    play.owners(manager);
    const ids = ["slow-a", "slow-b"].map((name) => instance(play, name).id);
    await play.ended(await open(play, "slow", { dialogue: { ...PATIENCE, reply_seconds: 180 } }));

    for (const id of ids) {
      const answered = manager.permissions().find(({ instance_id }) => instance_id === id);
      const [moved] = impactsOn(play.simulator.world, id);
      expect(moved?.from).toBeGreaterThan(answered?.at ?? Number.POSITIVE_INFINITY);
      expect(movesOf(play, id)).toEqual(COLD);
    }
  }),
);

test(
  "a silent manager has its time, and then its instances are moved live",
  onStage(async (play) => {
    const manager = await managerOf(play, "silent");
    const ids = ["silent-a", "silent-b"].map((name) => instance(play, name).id);
    const { detail } = await play.ended(await open(play, "silent"));

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(said(manager)).toEqual([]);
    for (const id of ids) {
      const asked = manager
        .told("PREPARE_MAINTENANCE")
        .find(({ instance_ids }) => instance_ids.includes(id));
      expect(impactsOn(play.simulator.world, id)[0]?.from).toBeGreaterThanOrEqual(
        Date.parse(`${asked?.reply_at}Z`),
      );
      expect(movesOf(play, id)).toEqual(LIVE);
    }
  }),
);

test(
  "the host of a manager that cannot be reached is put back with its instances on it",
  onStage(async (play) => {
    const manager = await managerOf(play, "lost");
    await manager.close();
    const ids = ["lost-a", "lost-b"].map((name) => instance(play, name).id);
    const { detail } = await play.ended(await open(play, "lost"));

    expect(detail.hosts).toMatchObject([{ hostname: "lost-1", outcome: "restored" }]);
    expect(ids.flatMap((id) => movesOf(play, id))).toEqual([]);
    expect(play.simulator.world.hosts.get("lost-1")?.status).toBe("enabled");
  }),
);

test(
  "a manager that answers every alarm with an error has heard it all the same, and is not told again",
  onStage(async (play) => {
    const manager = await managerOf(play, "broken");
    const ids = ["broken-a", "broken-b"].map((name) => instance(play, name).id);
    await play.ended(await open(play, "broken"));

    expect(manager.told("PREPARE_MAINTENANCE")).toHaveLength(2);
    for (const id of ids) expect(movesOf(play, id)).toEqual(LIVE);
  }),
);

test(
  "a manager that refuses for now is asked again when it said, and then its instances move",
  onStage(async (play) => {
    const manager = await managerOf(play, "refusing");
    play.owners(manager);
    const ids = ["refusing-a", "refusing-b"].map((name) => instance(play, name).id);
    const { detail } = await play.ended(await open(play, "refusing"));

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    const refused = said(manager).filter(({ body }) => "not_before" in body);
    expect(refused).toHaveLength(2);
    for (const id of ids) {
      const [first, second, ...more] = manager
        .told("PREPARE_MAINTENANCE")
        .filter(({ instance_ids }) => instance_ids.includes(id));
      expect(more).toEqual([]);
      expect(first).toBeDefined();
      expect(second).toBeDefined();
      expect(movesOf(play, id)).toEqual(COLD);
      const notBefore = Date.parse(String(refused[0]?.body["not_before"]));
      expect(impactsOn(play.simulator.world, id)[0]?.from).toBeGreaterThanOrEqual(notBefore);
    }
  }),
);

test(
  "a manager that takes its instances away itself is waited for, and Lull moves none of them",
  onStage(async (play) => {
    const manager = await managerOf(play, "own");
    play.owners(manager);
    const ids = ["own-a", "own-b"].map((name) => instance(play, name).id);
    const { detail } = await play.ended(await open(play, "own"));

    expect(detail.hosts).toMatchObject([{ outcome: "maintained" }]);
    expect(ids.flatMap((id) => movesOf(play, id))).toEqual([]);
    expect(detail.instances.map(({ action, state }) => [action, state])).toEqual([
      ["OWN_ACTION", "gone"],
      ["OWN_ACTION", "gone"],
    ]);
    for (const name of ["own-a", "own-b"])
      expect(instance(play, name)).toMatchObject({ vm_state: "active" });
  }),
);

test(
  "a pair switches over before its active member is moved, and serves all the time",
  onStage(async (play) => {
    const manager = await managerOf(play, "pair");
    play.owners(manager);
    const [a, b] = [instance(play, "ha-a").id, instance(play, "ha-b").id];
    await play.ended(await open(play, "pair", { max_parallel_hosts: 2 }));

    for (const id of [a, b]) expect(movesOf(play, id)).toEqual(COLD);
    expect(outagesOf(play.simulator.world, [a, b])).toEqual([]);
    const did = manager.journal.flatMap((one) => (one.kind === "did" ? [one.what] : []));
    expect(did.some((what) => what.startsWith("switched over"))).toBe(true);
    expect(did.filter((what) => what.startsWith("outage"))).toEqual([]);
  }),
);

test(
  "of a group that bears one impact at a time no two members move at once, on whatever hosts they are",
  onStage(async (play) => {
    const manager = await managerOf(play, "group");
    play.owners(manager);
    const members = [instance(play, "group-a"), instance(play, "group-b")];
    const group = {
      lull: play.api.endpoint,
      group_id: randomUUID(),
      project_id: members[0]?.project_id ?? "",
      max_impacted_members: 1,
      recovery: 20,
      lead: 60,
    };
    await constrainAsDoctor(manager.project, group, members);
    await play.ended(await open(play, "group", { max_parallel_hosts: 2 }));

    const spans = members
      .flatMap(({ id }) => impactsOn(play.simulator.world, id))
      .toSorted((one, other) => one.from - other.from);
    expect(spans).toHaveLength(2);
    const [first, second] = spans;
    expect((second?.from ?? 0) - (first?.until ?? 0)).toBeGreaterThanOrEqual(20_000);
  }),
);

test(
  "a manager that dies before it can answer is not told again, and its instances are moved live at most",
  onStage(async (play) => {
    const manager = await managerOf(play, "crashing");
    const ids = ["crashing-a", "crashing-b"].map((name) => instance(play, name).id);
    const { detail } = await play.ended(await open(play, "crashing"));

    expect(manager.told("PREPARE_MAINTENANCE")).toHaveLength(1);
    expect(detail.session.state).toMatch(/^MAINTENANCE_(DONE|FAILED)$/);
    for (const id of ids) expect(movesOf(play, id)).not.toContain("migrate");
  }),
);

test(
  "a project without a manager is told, and nothing waits for it",
  onStage(async (play) => {
    const ids = ["alone-a", "alone-b"].map((name) => instance(play, name).id);
    const began = play.clock.now();
    const dialogue = { reply_seconds: 86_400, scale_seconds: 86_400 };
    const { events, detail } = await play.ended(await open(play, "alone", { dialogue }));

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(play.clock.now() - began).toBeLessThan(86_400_000);
    for (const id of ids) expect(movesOf(play, id)).toEqual(LIVE);
    const told = events.filter(({ type }) => type === "maintenance.scheduled");
    expect(told.map(({ detail: { state } }) => state)).toEqual([
      "MAINTENANCE",
      "PREPARE_MAINTENANCE",
      "MAINTENANCE_COMPLETE",
    ]);
    for (const { detail: notice } of told)
      expect(notice).toMatchObject({ allowed_actions: [], reply_at: null });
  }),
);

test(
  "an agreement ends with the emptying that it was given for: its owner is asked again by the next",
  onStage(async (play) => {
    const manager = await managerOf(play, "again");
    play.owners(manager);
    const asked = (id: string) =>
      [...manager.told("PREPARE_MAINTENANCE"), ...manager.told("PLANNED_MAINTENANCE")].filter(
        ({ instance_ids }) => instance_ids.includes(id),
      ).length;
    const id = await open(play, "again");
    await play.when(
      id,
      "two of three to be under way",
      ({ instances }) =>
        instances.filter(({ state }) => state === "moving" || state === "moved").length >= 2,
    );
    const { compute } = openCloud(play.simulator.config);
    const service = await getService(compute, "again-1");
    await enableService(compute, service?.id ?? "");
    const { detail } = await play.ended(id);
    expect(detail.hosts).toMatchObject([{ outcome: "restored" }]);
    const left = detail.instances.filter(({ state }) => state !== "moved");
    expect(left.map(({ instance_id }) => asked(instance_id))).toEqual(left.map(() => 1));
    expect(left.length).toBeGreaterThan(0);

    await retryHost(play.api, id, "again-1");
    await play.when(id, "the host to be maintained", ({ hosts }) =>
      hosts.every(({ outcome }) => outcome === "maintained"),
    );
    await play.ended(id);
    expect(left.map(({ instance_id }) => asked(instance_id))).toEqual(left.map(() => 2));
  }),
);
