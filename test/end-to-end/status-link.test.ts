import { expect, test } from "vitest";
import { putConstraints } from "../../lib/client/constraints.ts";
import { deleteMaintenance, listEffects } from "../../lib/client/maintenance.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { hostIdOf } from "../../lib/openstack/compute/host-id.ts";
import { setMetadataItem } from "../../lib/openstack/compute/server-metadata.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import type { Simulator } from "../../localstack/openstack/simulator.ts";
import type { Instance } from "../../localstack/openstack/world.ts";
import { quickCloud } from "./quick-cloud.ts";
import { type Play, theStage } from "./stage.ts";

const KEY = "maintenance:status_url";
/** As many items as Nova lets a server have. */
const FULL = Object.fromEntries(Array.from({ length: 128 }, (_, n) => [`item-${n}`, "x"]));

const cloud = quickCloud({ hosts: 7, instances: 0 });
const small = { project: "alpha", flavor: "m1.tiny" };
cloud.instances.push(
  { ...small, name: "web", host: "cmp-01" },
  { ...small, name: "forged", host: "cmp-01", metadata: { [KEY]: "https://elsewhere.example" } },
  { ...small, name: "full", host: "cmp-02", metadata: FULL },
  { ...small, name: "left", host: "cmp-03" },
  { ...small, name: "own", host: "cmp-04" },
  { ...small, name: "unwell", host: "cmp-05" },
  { ...small, name: "stuck", host: "cmp-06" },
);

const settings = { LULL_STATUS_IN_METADATA: "true", LULL_CONFIRM_SECONDS: "2" };
const onStage = theStage({ cloud, settings });

const named = ({ world }: Simulator, name: string): Instance => {
  const found = [...world.instances.values()].find((one) => one.name === name);
  if (found === undefined) throw new Error(`the cloud has no instance ${name}`);
  return found;
};

/** Moves take so long that what stands in the metadata meanwhile can be looked at. */
const slowly = ({ simulator }: Play) =>
  simulator.happen({ kind: "driver", faults: { "*": { live_migration: { seconds: 15 } } } });

const linkOf = ({ api }: Play, { project_id }: Instance, host: string): string =>
  `${api.endpoint}/status/project/${hostIdOf(project_id, host)}`;

const isLink = (effect: string, { id }: Instance): boolean =>
  effect.startsWith("status_") && effect.includes(id);

const linked = (instance: Instance, url: string) =>
  waitFor(
    `the link of ${instance.name}`,
    () => instance.metadata[KEY] === url || undefined,
    60_000,
  );

test(
  "instances lead their owners to the status page while they wait and move, and not afterwards, whatever stood there",
  onStage(async (play) => {
    slowly(play);
    const [web, forged] = [named(play.simulator, "web"), named(play.simulator, "forged")];
    const actions = [{ plugin: "hold", metadata: { seconds: 20 } }];
    const id = await play.open({ hosts: ["cmp-01"], actions });
    await linked(web, linkOf(play, web, "cmp-01"));
    await linked(forged, linkOf(play, forged, "cmp-01"));
    await play.when(id, "work on the host", ({ hosts }) =>
      hosts.some(({ phase }) => phase === "IN_MAINTENANCE"),
    );

    expect(web.metadata).not.toHaveProperty([KEY]);
    expect(forged.metadata).not.toHaveProperty([KEY]);
    const { detail } = await play.ended(id);
    const calls = play.simulator.journal.filter(
      ({ path }) => path === `/servers/${web.id}/metadata/${encodeURIComponent(KEY)}`,
    );
    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(calls.map(({ method }) => method)).toEqual(["PUT", "DELETE"]);
  }),
);

test(
  "an instance that can take no more metadata is moved without the link, and its effect says why",
  onStage(async (play) => {
    const full = named(play.simulator, "full");
    const id = await play.open({ hosts: ["cmp-02"] });
    const { detail } = await play.ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(full.metadata).toEqual(FULL);
    const effects = await listEffects(play.api, id, "cmp-02");
    expect(effects.filter(({ effect }) => isLink(effect, full))).toMatchObject([
      {
        effect: `status_link#${full.id}`,
        outcome: "refused",
        details: expect.stringContaining("Maximum number of metadata items exceeds 128"),
      },
    ]);
  }),
);

test(
  "an aborted session takes its links away from the instances that it leaves where they are",
  onStage(async (play) => {
    const left = named(play.simulator, "left");
    const owner = play.apiAs(play.simulator.tenants["alpha"] ?? play.simulator.config);
    await putConstraints(owner, "instance", left.id, { lead_time: 600 });
    const id = await play.open({ hosts: ["cmp-03"] });
    await linked(left, linkOf(play, left, "cmp-03"));
    await deleteMaintenance(play.api, id);
    await play.ended(id);

    expect(left).toMatchObject({ host: "cmp-03" });
    expect(left.metadata).not.toHaveProperty([KEY]);
  }),
);

test(
  "what the owner of an instance writes over the link stays",
  onStage(async (play) => {
    slowly(play);
    const own = named(play.simulator, "own");
    const id = await play.open({ hosts: ["cmp-04"] });
    await linked(own, linkOf(play, own, "cmp-04"));
    const owner = openCloud(play.simulator.tenants["alpha"] ?? play.simulator.config);
    await setMetadataItem(owner.compute, own.id, KEY, "mine");
    await play.ended(id);

    expect(own.metadata[KEY]).toBe("mine");
  }),
);

test.each([
  { name: "unwell", host: "cmp-05", method: "PUT" },
  { name: "stuck", host: "cmp-06", method: "DELETE" },
])(
  "a host is maintained although the metadata of one of its instances answers 500 to $method",
  ({ name, host, method }) =>
    onStage(async (play) => {
      const instance = named(play.simulator, name);
      play.simulator.happen({
        kind: "fault",
        fault: {
          service: "compute",
          method,
          path: `^/servers/${instance.id}/metadata/`,
          effect: { kind: "error", status: 500 },
        },
      });
      const id = await play.open({ hosts: [host] });
      const { detail } = await play.ended(id);

      expect(detail.session.state).toBe("MAINTENANCE_DONE");
      expect(instance.host).not.toBe(host);
      const effects = await listEffects(play.api, id, host);
      const links = effects.filter(({ effect }) => isLink(effect, instance));
      expect(links.map(({ outcome }) => outcome)).toContain("failed");
      expect(links.map(({ outcome }) => outcome)).not.toContain(null);
      play.simulator.happen({ kind: "clear_faults" });
    })(),
);
