import { describe, expect, test } from "vitest";
import { problem, startApi } from "../client/fake-api.ts";
import { lullHere } from "./lull.ts";

const INSTANCE = "6c0f6a33-9a4c-4c52-8d3e-0c6a6f6f1a01";
const GROUP = "0b5c7b0e-4c6e-4f0e-9d57-3f1f8a3d2c11";

const owned = { project_id: "alpha", stated_project_id: null, updated_at: "2026-11-22T10:00:00Z" };
const instance = {
  ...owned,
  instance_id: INSTANCE,
  instance_name: "web",
  group_id: GROUP,
  lead_time: 40,
  max_interruption_time: 120,
  interruption_stated: true,
  migration_type: null,
  resource_mitigation: true,
};
const group = {
  ...owned,
  group_id: GROUP,
  group_name: "app",
  anti_affinity_group: false,
  max_instances_per_host: 0,
  max_impacted_members: 2,
  recovery_time: 60,
  resource_mitigation: true,
};

const LOWERED = { path: "lead_time", code: "lowered", message: "is lowered to 3600" };
const UNKNOWN = problem(404, "not_found", "the project has said nothing about it");

/** The first page of a list is empty, the second has the one row. */
const pageOf = (name: string, row: object, cursor: string | null) => ({
  body: cursor === null ? { [name]: [], next_cursor: "1" } : { [name]: [row], next_cursor: null },
});

/** The API of a project with one instance and one group. */
const startForMember = async (kept: object = instance) => {
  const server = await startApi();
  const sent: { method: string; path: string; body: unknown }[] = [];
  server.world.fault = ({ method, path, query, body }) => {
    sent.push({ method, path: path + (query.size > 0 ? `?${query}` : ""), body });
    const [, , resource = "", id] = path.split("/");
    const row = resource === "instance" ? kept : group;
    if (id === undefined) return pageOf(`${resource}s`, row, query.get("cursor"));
    if (method === "DELETE") return { body: {} };
    if (method === "PUT") return { body: { ...row, ...Object(body), warnings: [LOWERED] } };
    return [INSTANCE, GROUP].includes(id) ? { body: row } : UNKNOWN;
  };
  return Object.assign(server, { sent });
};

describe("lull project constraints", () => {
  const startedWith = async (args: readonly string[], over = {}, kept?: object) => {
    const server = await startForMember(kept);
    const words = ["project", "constraints", ...args, "--endpoint", server.url];
    const answer = await lullHere(words, over);
    await server[Symbol.asyncDispose]();
    return { ...answer, sent: server.sent };
  };

  test("list has groups and instances of every page", async () => {
    const { code, out, sent } = await startedWith(["list", "-f", "value", "-c", "kind,id,group"]);

    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([`group ${GROUP} `, `instance ${INSTANCE} ${GROUP}`]);
    expect(sent.map(({ path }) => path).toSorted()).toEqual([
      "/v1/instance",
      "/v1/instance?cursor=1",
      "/v1/instance_group",
      "/v1/instance_group?cursor=1",
    ]);
  });

  test("list may be told the project", async () => {
    const { sent } = await startedWith(["list", "--project", "beta1"]);

    expect(sent.map(({ path }) => path)).toContain("/v1/instance?project=beta1");
  });

  test("show has what belongs to the kind", async () => {
    expect((await startedWith(["show", "group", GROUP])).out).toMatch(/^max_impacted_members +2$/m);
    const { out } = await startedWith(["show", "instance", INSTANCE]);
    expect(out).toMatch(/^lead_time +40$/m);
    expect(out).not.toContain("recovery_time");
  });

  test("set changes what is given, leaves the rest, and tells what was lowered", async () => {
    const args = ["set", "instance", INSTANCE, "--lead-time", "9000", "--group", "none"];
    const { code, err, sent } = await startedWith(args);

    expect(code).toBe(0);
    expect(err).toBe("lead_time is lowered to 3600");
    const { project_id: _, stated_project_id: __, updated_at: ___, ...kept } = instance;
    expect(sent.at(-1)).toEqual({
      method: "PUT",
      path: `/v1/instance/${INSTANCE}`,
      body: { ...kept, lead_time: 9_000, group_id: null },
    });
  });

  describe("where the longest interruption is only the default", () => {
    const unstated = { ...instance, interruption_stated: false };
    const bodyOf = async (...options: string[]) => {
      const args = ["set", "instance", INSTANCE, ...options];
      return (await startedWith(args, {}, unstated)).sent.at(-1)?.body;
    };

    test("set does not say it for the owner", async () => {
      const body = await bodyOf("--lead-time", "60");

      expect(body).toMatchObject({ lead_time: 60, group_id: GROUP });
      expect(body).not.toHaveProperty("max_interruption_time");
      expect(body).not.toHaveProperty("interruption_stated");
    });

    test("set says it when it is given", async () => {
      const body = await bodyOf("--max-interruption-time", "120");

      expect(body).toMatchObject({ max_interruption_time: 120 });
      expect(body).not.toHaveProperty("interruption_stated");
    });

    test("show and list say so", async () => {
      const { out } = await startedWith(["show", "instance", INSTANCE], {}, unstated);
      expect(out).toMatch(/^interruption_stated +(false|False)$/m);
      const columns = ["-f", "value", "-c", "max_interruption_time,interruption_stated"];
      const list = await startedWith(["list", ...columns], {}, unstated);
      expect(list.out).toMatch(/^120 (false|False)$/m);
    });
  });

  test("set begins with the defaults where nothing has been said", async () => {
    const id = INSTANCE.replace("6c0f", "7d10");
    const { sent } = await startedWith(["set", "group", id, "--anti-affinity"]);

    expect(sent.at(-1)).toMatchObject({ method: "PUT", body: { anti_affinity_group: true } });
  });

  test("delete asks, unless told not to", async () => {
    const args = ["delete", "group", GROUP];
    expect((await startedWith(args, { ask: async () => "n" })).sent).toEqual([]);
    expect((await startedWith([...args, "--yes"])).sent).toEqual([
      { method: "DELETE", path: `/v1/instance_group/${GROUP}`, body: undefined },
    ]);
  });

  test.each([
    ["what is neither", ["show", "grup", GROUP], "did you mean group?"],
    ["an option of the other kind", ["set", "group", GROUP, "--lead-time", "1"], "of an instance"],
    ["no number", ["set", "instance", INSTANCE, "--lead-time", "1m"], "whole number"],
    [
      "no such type",
      ["set", "instance", INSTANCE, "--migration-type", "LIVE_MIGRAT"],
      "did you mean LIVE_MIGRATE?",
    ],
    ["no member at all", ["set", "group", GROUP, "--max-impacted-members", "0"], "from 1"],
  ])("says what is wrong before it asks anybody: %s", async (_, args, words) => {
    const { code, err, sent } = await startedWith(args);

    expect({ code, sent }).toEqual({ code: 2, sent: [] });
    expect(err).toContain(words);
  });
});
