import { describe, expect, it } from "vitest";
import * as z from "zod";
import { listVolumeServices } from "../../../lib/openstack/block-storage/services.ts";
import { getHypervisor, listHypervisors } from "../../../lib/openstack/compute/hypervisors.ts";
import { getServer } from "../../../lib/openstack/compute/servers.ts";
import {
  enableService,
  forceDown,
  getService,
  listServices,
} from "../../../lib/openstack/compute/services.ts";
import { callForAnswer } from "../../../lib/openstack/http.ts";
import { listAgents } from "../../../lib/openstack/network/agents.ts";
import { instanceNamed, MINUTE, START, simulate } from "./stage.ts";

const withDuties = () =>
  simulate((spec) => ({
    ...spec,
    hosts: spec.hosts.map((host) =>
      host.name === "cmp-01"
        ? {
            ...host,
            duties: {
              compute_services: ["nova-conductor", "nova-scheduler"],
              agents: [
                { agent_type: "L3 agent", configurations: { routers: 3 } },
                { agent_type: "OVN Controller Gateway agent", alive: false },
              ],
              volume_backends: ["lvm"],
            },
          }
        : host,
    ),
  }));

describe("what else lives on a host", () => {
  it("shows as services of Nova, which cannot be disabled, and stay up when it is", async () => {
    const { admin } = await withDuties();
    const all = await listServices(admin.compute, { host: "cmp-01" });
    expect(all.map(({ binary }) => binary).sort()).toEqual([
      "nova-compute",
      "nova-conductor",
      "nova-scheduler",
    ]);
    const scheduler = all.find(({ binary }) => binary === "nova-scheduler");
    expect(scheduler).toMatchObject({ status: "enabled", state: "up", zone: "internal" });
    await expect(enableService(admin.compute, scheduler?.id ?? "")).rejects.toMatchObject({
      status: 400,
      detail: expect.stringContaining("Updating a nova-scheduler service is not supported"),
    });
    expect(await listServices(admin.compute, { binary: "nova-compute" })).toHaveLength(4);
  });

  it("shows as agents of Neutron, by host and by type, with what they serve", async () => {
    const { simulator, admin, pass } = await withDuties();
    const agents = await listAgents(admin.network, { host: "cmp-01" });
    expect(agents.map(({ agent_type, alive }) => [agent_type, alive])).toEqual([
      ["Open vSwitch agent", true],
      ["L3 agent", true],
      ["OVN Controller Gateway agent", false],
    ]);
    expect(await listAgents(admin.network, { agent_type: "L3 agent" })).toMatchObject([
      { host: "cmp-01", configurations: { routers: 3 } },
    ]);
    simulator.happen({ kind: "kill_host", host: "cmp-01" });
    await pass(2 * MINUTE);
    const after = await listAgents(admin.network, { host: "cmp-01" });
    expect(after.some(({ alive }) => alive)).toBe(false);
  });

  it("shows as volume services of its host, where the cloud has Cinder", async () => {
    const { admin } = await withDuties();
    expect(await admin.has("block-storage")).toBe(true);
    const cinder = admin.service("block-storage");
    const found = await listVolumeServices(cinder, { host: "cmp-01", binary: "cinder-volume" });
    expect(found).toMatchObject([{ host: "cmp-01@lvm", status: "enabled", state: "up" }]);
    expect(await listVolumeServices(cinder, { host: "cmp-02" })).toEqual([]);
    const { admin: without } = await simulate();
    expect(await without.has("block-storage")).toBe(false);
  });
});

describe("a host", () => {
  it("may be of another kind, disabled by Nova itself, and in any zone", async () => {
    const { admin } = await simulate((spec) => ({
      ...spec,
      hosts: [
        { name: "cmp-01", hypervisor_type: "ironic", hypervisor_version: 2_000, zone: "az-1" },
        { name: "cmp-02", disabled_reason: "AUTO: Connection to libvirt lost: 1" },
      ],
      instances: [],
    }));
    expect(await listHypervisors(admin.compute)).toMatchObject([
      { hypervisor_type: "ironic", hypervisor_version: 2_000 },
      { hypervisor_type: "fake", hypervisor_version: 1_000 },
    ]);
    expect(await getService(admin.compute, "cmp-01")).toMatchObject({ zone: "az-1" });
    expect(await getService(admin.compute, "cmp-02")).toMatchObject({
      status: "disabled",
      disabled_reason: "AUTO: Connection to libvirt lost: 1",
    });
  });

  it("is down at once when it is forced, whatever its heartbeat says", async () => {
    const { simulator, admin } = await simulate((spec) => ({
      ...spec,
      hosts: spec.hosts.map((host) => ({ ...host, forced_down: host.name === "cmp-02" })),
    }));
    expect(await getService(admin.compute, "cmp-02")).toMatchObject({
      state: "down",
      forced_down: true,
    });
    const { id, host } = instanceNamed(simulator, "alpha-04");
    const service = await getService(admin.compute, host ?? "");
    expect((await getServer(admin.compute, id)).host_status).toBe("UP");
    await forceDown(admin.compute, service?.id ?? "", true);
    expect((await getServer(admin.compute, id)).host_status).toBe("DOWN");
    const up = await forceDown(admin.compute, service?.id ?? "", false);
    expect(up).toMatchObject({ state: "up", status: "enabled" });
    const [hypervisor] = await listHypervisors(admin.compute);
    expect(await getHypervisor(admin.compute, hypervisor?.id ?? "")).toEqual(hypervisor);
  });
});

describe("every answer", () => {
  it("is dated by the cloud's own clock, refusals included", async () => {
    const { admin, pass } = await simulate();
    const ask = async () => (await callForAnswer(admin.compute, "/os-services", z.unknown())).date;
    expect(await ask()).toBe(new Date(START).toISOString());
    await pass(MINUTE);
    expect(await ask()).toBe(new Date(START + MINUTE).toISOString());
  });

  it("that asks to be left alone for long is not asked for again", async () => {
    const { simulator, admin } = await simulate();
    const limited = { kind: "error", status: 413, retry_after: 60 } as const;
    simulator.happen({
      kind: "fault",
      fault: { service: "compute", path: "os-services", times: 1, effect: limited },
    });
    await expect(listServices(admin.compute)).rejects.toMatchObject({
      name: "TransientOpenStackError",
      retryAfterMs: 60_000,
    });
    expect(await listServices(admin.compute)).toHaveLength(4);
  });
});
