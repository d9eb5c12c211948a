import { describe, expect, it } from "vitest";
import { listServers, liveMigrate } from "../../../lib/openstack/compute/servers.ts";
import { clientOf, scriptedServer } from "./scripted-server.ts";

const row = (id: string) => ({
  id,
  name: id,
  status: "ACTIVE",
  tenant_id: "p1",
  metadata: { tier: "web" },
  flavor: {
    vcpus: 1,
    ram: 512,
    disk: 1,
    ephemeral: 0,
    swap: 0,
    original_name: "m1.tiny",
    extra_specs: {},
  },
  created: "2026-11-22T09:35:17Z",
  "OS-EXT-STS:vm_state": "active",
  "OS-EXT-STS:task_state": null,
  "OS-EXT-SRV-ATTR:host": "cmp-01",
});

describe("the list of servers", () => {
  it("is read to its last page", async () => {
    const server = await scriptedServer(({ path }) => {
      const marker = new URL(path, "http://x").searchParams.get("marker");
      const links = [{ rel: "next", href: "http://elsewhere/" }];
      return marker === null
        ? { status: 200, body: { servers: [row("a"), row("b")], servers_links: links } }
        : { status: 200, body: { servers: [row("c")] } };
    });
    const servers = await listServers(clientOf(server.url), { host: "cmp-01", all_tenants: true });
    expect(servers.map((one) => one.id)).toEqual(["a", "b", "c"]);
    expect(server.asked[1]?.path).toBe("/servers/detail?host=cmp-01&all_tenants=1&marker=b");
  });

  it("is begun anew when the server at the end of a page is deleted meanwhile", async () => {
    const server = await scriptedServer(({ path }, times) => {
      if (path.includes("marker=b"))
        return {
          status: 400,
          body: { badRequest: { code: 400, message: "marker [b] not found" } },
        };
      if (path.includes("marker=a")) return { status: 200, body: { servers: [row("c")] } };
      const links = [{ rel: "next", href: "" }];
      const rows = times === 1 ? [row("a"), row("b")] : [row("a")];
      return { status: 200, body: { servers: rows, servers_links: links } };
    });
    const servers = await listServers(clientOf(server.url));
    expect(servers.map((one) => one.id)).toEqual(["a", "c"]);
  });

  it("marks servers of a cell that does not answer as partial", async () => {
    const server = await scriptedServer(() => ({
      status: 200,
      body: {
        servers: [
          row("a"),
          {
            id: "b",
            status: "UNKNOWN",
            tenant_id: "p1",
            created: "2026-11-22T09:35:17Z",
            links: [],
          },
        ],
      },
    }));
    const [whole, partial] = await listServers(clientOf(server.url));
    expect(whole).toMatchObject({ partial: false, host: "cmp-01", project_id: "p1" });
    expect(partial).toMatchObject({ partial: true, host: null, flavor: null, project_id: "p1" });
  });
});

describe("a live migration", () => {
  it("is asked for once, with the caller's request id, and answers Nova's", async () => {
    const server = await scriptedServer(() => ({
      status: 202,
      headers: { "x-openstack-request-id": "req-nova" },
    }));
    const accepted = await liveMigrate(clientOf(server.url), "a", {
      host: "cmp-02",
      requestId: "req-ours",
    });
    expect(accepted).toEqual({ requestId: "req-nova" });
    expect(server.asked).toMatchObject([
      {
        path: "/servers/a/action",
        body: { "os-migrateLive": { host: "cmp-02", block_migration: "auto" } },
        headers: { "x-openstack-request-id": "req-ours" },
      },
    ]);
  });
});
