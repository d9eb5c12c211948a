import { describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { openCloud } from "../../../lib/openstack/cloud.ts";
import { coldMigrate, liveMigrate } from "../../../lib/openstack/compute/servers.ts";
import { disableService, getService } from "../../../lib/openstack/compute/services.ts";
import { call } from "../../../lib/openstack/http.ts";
import { virtualClock } from "../../../localstack/clock.ts";
import { startSimulator } from "../../../localstack/openstack/simulator.ts";
import { cloudOf } from "../../../localstack/openstack/spec.ts";
import { lullHere } from "./lull.ts";

const SESSION = "7f3c0000-0000-4000-8000-000000000001";
const MINUTE = 60_000;

/** A cloud that Lull has left in the middle of things, and the command that looks at it. */
const abandonedCloud = async (cells: readonly string[] = ["cell1"]) => {
  const clock = virtualClock(Date.UTC(2030, 0, 1));
  const spec = cloudOf({ hosts: 4, instances: 8 });
  const hosts = spec.hosts.map((host, index) => ({
    ...host,
    cell: cells[index % cells.length] ?? "cell1",
  }));
  const simulator = await startSimulator({ clock, cloud: { ...spec, hosts }, seed: 1 });
  onTestFinished(simulator.close);
  const { config, world, alertmanagerUrl } = simulator;
  const admin = openCloud(config, { timeoutMs: 2_000 });
  const env = {
    OS_AUTH_URL: config.auth_url,
    OS_USERNAME: config.username,
    OS_PASSWORD: config.password,
    OS_PROJECT_NAME: config.project_name,
    OS_REGION_NAME: config.region_name,
  };
  const disable = async (host: string, reason: string) => {
    const service = await getService(admin.compute, host);
    await disableService(admin.compute, service?.id ?? "", reason);
  };
  const guestOf = (host: string) => {
    const found = [...world.instances.values()].find((one) => one.host === host);
    if (!found) throw new Error(`${host} has no guest`);
    return found;
  };
  return {
    simulator,
    admin,
    alertmanagerUrl,
    disable,
    guestOf,
    pass: (ms: number) => clock.runUntil(() => false, clock.now() + ms),
    orphans: (args: readonly string[] = [], more: Record<string, string> = {}) =>
      lullHere(["orphans", ...args], { env: { ...env, ...more } }),
  };
};

describe("lull orphans", () => {
  it("finds nothing in a cloud that Lull has left as it was, and says so", async () => {
    const { orphans } = await abandonedCloud();
    expect(await orphans()).toEqual({
      code: 0,
      out: "",
      err: "nothing of Lull's is left in this cloud",
    });
    expect(await orphans(["-f", "json"])).toEqual({ code: 0, out: "[]", err: "" });
  });

  it("names each host with our mark, and nobody else's", async () => {
    const { disable, orphans } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION} http://lull/status/cmp-01`);
    await disable("cmp-02", "disk is dying");
    const { code, out } = await orphans();
    expect(code).toBe(4);
    expect(out).toContain("cmp-01 host_disabled: nova-compute is disabled");
    expect(out).toContain("    openstack compute service set --enable cmp-01 nova-compute");
    expect(out).not.toContain("cmp-02");
  });

  it("as JSON has the session and a command for the cloud that was named", async () => {
    const { disable, orphans } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION}`);
    const { out } = await orphans(["-f", "json"]);
    expect(JSON.parse(out)).toEqual([
      {
        kind: "host_disabled",
        host: "cmp-01",
        instance_id: null,
        session_id: SESSION,
        since: null,
        message: expect.stringContaining("enable it when the host is well"),
        command: "openstack compute service set --enable cmp-01 nova-compute",
        alternative: null,
      },
    ]);
  });

  it("asks for a cold move that nobody confirmed to be confirmed, before the host is enabled", async () => {
    const { admin, disable, guestOf, orphans, pass } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION}`);
    const { id } = guestOf("cmp-01");
    await coldMigrate(admin.compute, id);
    await pass(5 * MINUTE);
    const { out } = await orphans(["-f", "value", "-c", "command,alternative"]);
    expect(out.split("\n")).toEqual([
      `openstack server migration confirm ${id} openstack server migration revert ${id}`,
      "openstack compute service set --enable cmp-01 nova-compute ",
    ]);
  });

  it("leaves a move alone that the engine's user did not ask for", async () => {
    const { admin, disable, guestOf, orphans, pass } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION}`);
    await coldMigrate(admin.compute, guestOf("cmp-01").id);
    await pass(5 * MINUTE);
    const { out } = await orphans(["--engine-user", "somebody-else"]);
    expect(out).not.toContain("migration confirm");
    expect(out).toContain("--enable cmp-01");
  });

  it("lets a live migration under way end first, told once though it goes between two such hosts", async () => {
    const { admin, simulator, disable, guestOf, orphans, pass } = await abandonedCloud();
    const { id } = guestOf("cmp-01");
    simulator.happen({ kind: "driver", faults: { [id]: { live_migration: { outcome: "hang" } } } });
    await liveMigrate(admin.compute, id);
    await pass(20_000);
    const [move] = simulator.world.migrations;
    await disable("cmp-01", `lull:${SESSION}`);
    await disable(move?.dest ?? "", `lull:${SESSION}`);
    const { out } = await orphans();
    expect(out.match(/migration_unfinished/g)).toHaveLength(1);
    expect(out).toContain(`cmp-01 -> ${move?.dest}, is running: let it end first`);
    expect(out).toContain(`    openstack server migration list --server ${id}`);
    expect(out).toContain(
      `    or: openstack --os-compute-api-version 2.24 server migration abort ${id} ${move?.id}`,
    );
  });

  it("frees what a dead migration holds, and never what an instance there holds", async () => {
    const { simulator, disable, guestOf, orphans } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION}`);
    const { id } = guestOf("cmp-01");
    const left = simulator.happen({ kind: "leave_allocation", instance: id, host: "cmp-01" });
    const { out } = await orphans();
    expect(out).toContain(`    openstack resource provider allocation delete ${left}`);
    expect(out.match(/allocation_left/g)).toHaveLength(1);
  });

  it("takes only this host's share from an instance that lives elsewhere", async () => {
    const { simulator, disable, guestOf, orphans } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION}`);
    const guest = guestOf("cmp-01");
    guest.host = "cmp-03";
    const provider = simulator.world.hosts.get("cmp-01")?.node_id;
    const { out } = await orphans();
    expect(out).toContain(
      `    openstack --os-placement-api-version 1.12 resource provider allocation unset --provider ${provider} ${guest.id}`,
    );
  });

  it("starts an instance that the engine's user stopped last", async () => {
    const { admin, disable, guestOf, orphans, pass } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION}`);
    const { id } = guestOf("cmp-01");
    await call(admin.compute, `/servers/${id}/action`, z.unknown(), {
      method: "POST",
      body: { "os-stop": null },
    });
    await pass(5 * MINUTE);
    expect((await orphans()).out).toContain(`    openstack server start ${id}`);
    expect((await orphans(["--engine-user", "its-owner"])).out).not.toContain("server start");
  });

  it("ends Lull's silences and nobody else's, where it is told of an Alertmanager", async () => {
    const { simulator, alertmanagerUrl, orphans } = await abandonedCloud();
    const silence = (id: string, createdBy: string, comment: string) => ({
      id,
      createdBy,
      comment,
      matchers: [{ name: "instance", value: "cmp-01", isRegex: false, isEqual: true }],
      startsAt: "2030-01-01T00:00:00Z",
      endsAt: "2030-01-01T06:00:00Z",
      updatedAt: "2030-01-01T00:00:00Z",
    });
    simulator.world.monitoring.silences.push(
      silence("ours", "lull", `lull maintenance [lull ${SESSION}/cmp-01]`),
      silence("theirs", "kim", "loud"),
    );
    expect((await orphans()).code).toBe(0);
    const { code, out } = await orphans([], { LULL_ALERTMANAGER_URL: alertmanagerUrl });
    expect(code).toBe(4);
    expect(out).toContain(`    amtool --alertmanager.url=${alertmanagerUrl} silence expire ours`);
    expect(out).not.toContain("theirs");
  });

  it("gives hosts back to Masakari, but not those that somebody else has disabled", async () => {
    const { simulator, disable, orphans } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION}`);
    await disable("cmp-02", "disk is dying");
    for (const name of ["cmp-01", "cmp-02", "cmp-03"]) {
      const host = simulator.world.hosts.get(name);
      if (host) host.on_maintenance = true;
    }
    const { out } = await orphans([], { LULL_MASAKARI: "true" });
    expect(out).toMatch(
      /^ {4}openstack segment host update --on_maintenance False [\w-]+ cmp-01$/m,
    );
    expect(out).toContain("cmp-03, which is enabled");
    expect(out).not.toContain("cmp-02");
  });

  it("does not call a cloud clean that it could not see whole", async () => {
    const { simulator, orphans } = await abandonedCloud(["cell1", "cell2"]);
    simulator.happen({ kind: "cell_down", cell: "cell2" });
    const { code, err } = await orphans();
    expect(code).toBe(1);
    expect(err).toContain("could not look at cmp-02: its cell does not answer");
  });

  it("tells the rest when one thing cannot be read", async () => {
    const { simulator, disable, orphans } = await abandonedCloud();
    await disable("cmp-01", `lull:${SESSION}`);
    simulator.happen({
      kind: "fault",
      fault: { service: "placement", effect: { kind: "error", status: 404, message: "no" } },
    });
    const { code, out, err } = await orphans();
    expect(code).toBe(4);
    expect(out).toContain("--enable cmp-01");
    expect(err).toContain("could not look at cmp-01: allocations");
  });
});
