import { expect, test } from "vitest";
import { abortMaintenance } from "../../lib/client/maintenance.ts";
import { doctorSample, doctorVnfm } from "../managers/dialects.ts";
import { outagesOf } from "../managers/outages.ts";
import { MARK } from "../managers/project.ts";
import { scaling, switching } from "../managers/tempers.ts";
import { theCast } from "./cast.ts";
import { quickCloud } from "./quick-cloud.ts";
import { type Play, theStage } from "./stage.ts";

/**
 * Doctor's cloud, once for each layout: three computes filled to the last processor by a pair that
 * must not share a host and by four others. A layout says on which hosts the manager has room made.
 */
const LAYOUTS = [
  // Whichever host bears a member of the pair cannot be emptied then: it has to be the third one.
  { project: "apart", what: "beside each member of the pair", spare: [1, 2], kept: [3, 3] },
  { project: "empty", what: "on one host, which is empty then", spare: [3, 3], kept: [1, 2] },
  { project: "mixed", what: "beside one of the pair and elsewhere", spare: [1, 3], kept: [2, 3] },
  // Doctor's own cloud with the app manager that came before style vnf: as full, and no less welcome.
  { project: "sample", what: "asked in style default", spare: [3, 3], kept: [1, 2] },
];
const styleOf = (project: string) =>
  project === "sample"
    ? { workflow: "default" as const, dialect: doctorSample }
    : { workflow: "vnf" as const, dialect: doctorVnfm };

const hostOf = (project: string, n: number): string => `${project}-cmp-${n}`;
const hostsOf = (project: string): string[] => [1, 2, 3].map((n) => hostOf(project, n));

const quick = quickCloud({ hosts: 0, instances: 0, projects: 0 });
const cloud = {
  ...quick,
  // Like a real Nova, which takes a call and books the room for it later.
  timing: { ...quick.timing, schedule_ms: 3_000 },
  projects: [...LAYOUTS.map(({ project }) => project), "pieces"].map((name) => ({
    name,
    user: `user-of-${name}`,
  })),
  groups: LAYOUTS.map(({ project }) => ({
    name: "doctor_ha_app_group",
    project,
    policy: "anti-affinity" as const,
  })),
};
for (const { project, spare, kept } of LAYOUTS) {
  for (const name of hostsOf(project))
    cloud.hosts.push({ name, zone: project, vcpus: 2, cpu_ratio: 1 });
  const add = (name: string, n: number, more = {}) =>
    cloud.instances.push({
      name,
      project,
      flavor: "m1.tiny",
      host: hostOf(project, n),
      pinned_az: project,
      ...more,
    });
  const group = "doctor_ha_app_group";
  add("doctor_ha_app_0", 1, { group, metadata: { [MARK]: "here" } });
  add("doctor_ha_app_1", 2, { group });
  // Like Heat, the manager takes away those that came last.
  for (const [n, host] of [...kept, ...spare].entries()) add(`doctor_nonha_app_${n}`, host);
}
/** Three hosts with a processor free on each, and on each an instance that needs two. */
const SPLIT = hostsOf("split");
for (const name of SPLIT) {
  cloud.hosts.push({ name, zone: "split", vcpus: 3, cpu_ratio: 1 });
  cloud.instances.push({
    name: `on_${name}`,
    project: "mixed",
    flavor: "m1.medium",
    host: name,
    pinned_az: "split",
  });
}
/** Three hosts of five processors with two instances on each that need two. */
const PIECES = hostsOf("pieces");
for (const name of PIECES) {
  cloud.hosts.push({ name, zone: "pieces", vcpus: 5, cpu_ratio: 1 });
  for (const n of [1, 2])
    cloud.instances.push({
      name: `spare_${n}_on_${name}`,
      project: "pieces",
      flavor: "m1.medium",
      host: name,
      pinned_az: "pieces",
    });
}

const onStage = theStage({
  cloud,
  settings: { LULL_EGRESS_ALLOW: "127.0.0.0/8", LULL_CONFIRM_SECONDS: "2" },
});

const pair = () => switching(({ name }) => name.startsWith("doctor_ha"), "MIGRATE");
const isSpare = ({ name }: { readonly name: string }) => name.startsWith("doctor_nonha");

const managerOf = theCast({
  ...Object.fromEntries(
    LAYOUTS.map(({ project }) => [
      project,
      { dialect: styleOf(project).dialect, temper: scaling(2, isSpare, pair()) },
    ]),
  ),
  pieces: { dialect: doctorVnfm, temper: scaling(2, () => true, pair()) },
});

const running = ({ simulator }: Play, project: string) => {
  const id = simulator.world.projects.find(({ name }) => name === project)?.id;
  return [...simulator.world.instances.values()].filter(
    ({ project_id, vm_state }) => project_id === id && vm_state === "active",
  );
};

/** How each move from the project's hosts ended; `error` = Nova's scheduler found no room for it. */
const movesIn = ({ simulator: { world } }: Play, project: string): string[] =>
  world.migrations
    .filter(({ source }) => hostsOf(project).includes(source))
    .map(({ status }) => status);

const SECONDS = { reply_seconds: 120, scale_seconds: 320 };

test.each(LAYOUTS)(
  "a cloud filled to the last processor is maintained: its project makes room $what, and nothing fails",
  ({ project }) =>
    onStage(async (play) => {
      const manager = await managerOf(play, project);
      play.owners(manager);
      const [a = "", b = ""] = running(play, project).map(({ id }) => id);
      const before = running(play, project).map(({ name }) => name);
      const { detail } = await play.ended(
        await play.open({
          hosts: hostsOf(project),
          targets: hostsOf(project),
          profile: "doctor",
          workflow: styleOf(project).workflow,
          dialogue: SECONDS,
          maintenance_at: new Date(play.clock.now() + 30_000).toISOString(),
        }),
      );

      expect(detail.session.state).toBe("MAINTENANCE_DONE");
      expect(detail.hosts.map(({ outcome }) => outcome)).toEqual(Array(3).fill("maintained"));
      expect(manager.told("SCALE_IN")).toMatchObject([{ missing: { VCPU: 2 } }]);
      expect(manager.told("MAINTENANCE_COMPLETE")).toHaveLength(1);
      expect(manager.journal.filter(({ kind }) => kind === "choked")).toEqual([]);
      const did = manager.journal.flatMap((one) => (one.kind === "did" ? [one.what] : []));
      expect(did.filter((what) => what.startsWith("outage"))).toEqual([]);
      expect(did).toContain("scaled in by 2");
      expect(did).toContain("scaled out by 2");
      expect(outagesOf(play.simulator.world, [a, b])).toEqual([]);
      expect(movesIn(play, project)).not.toContain("error");
      expect(
        running(play, project)
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(before.toSorted());
    })(),
);

test(
  "where room lies in pieces a project is asked for as much as makes its instances fit, and not merely for the sum",
  onStage(async (play) => {
    const manager = await managerOf(play, "pieces");
    play.owners(manager);
    const { detail } = await play.ended(
      await play.open({ hosts: PIECES, profile: "doctor", workflow: "vnf", dialogue: SECONDS }),
    );

    // Four are to leave and two are free: of two instances both find no place, and one is left on a host.
    expect(manager.told("SCALE_IN").map((told) => told["missing"])).toEqual([{ VCPU: 3 }]);
    expect(detail.hosts.map(({ outcome }) => outcome)).toEqual(Array(3).fill("maintained"));
    expect(movesIn(play, "pieces")).not.toContain("error");
  }),
);

test(
  "hosts of which none can be emptied, and nobody makes room, are tried all the same: no session hangs without a word",
  onStage(async ({ open, ended, when, api }) => {
    const id = await open({ hosts: SPLIT, profile: "doctor", cordon_ahead: 1 });
    const { detail } = await when(id, "a host to be tried", ({ hosts }) =>
      hosts.some(({ phase }) => phase === "MOVING"),
    );
    expect(detail.hosts.map(({ phase }) => phase)).toContain("MOVING");
    await abortMaintenance(api, id, "no room");

    expect((await ended(id)).detail.hosts.map(({ outcome }) => outcome)).not.toContain("failed");
  }),
);
