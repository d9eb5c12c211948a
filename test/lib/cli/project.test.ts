import { describe, expect, test } from "vitest";
import { problem, SESSION, startApi } from "../client/fake-api.ts";
import { lull } from "./lull.ts";

const PROJECT = "9b9e3c847e904b0686e8ffb20e4c6381";

const summary = (session_id: string) => ({
  session_id,
  state: "PLANNED_MAINTENANCE",
  maintenance_at: "2026-11-22T10:00:00Z",
  ends_at: null,
  reply_at: session_id === SESSION ? "2026-11-22T10:02:00Z" : null,
  instances_by_state: { moved: 2, waiting: 1 },
  created_at: "2026-11-22T09:59:00Z",
});

const instances = ["i1", "i2"].map((instance_id) => ({
  instance_id,
  instance_name: `name of ${instance_id}`,
  action: "LIVE_MIGRATE",
  state: "moving",
  hostId: "f".repeat(56),
  started_at: "2026-11-22T10:00:00Z",
  finished_at: null,
}));

/** The API as a member of the project finds it, one session and one instance a page. */
const startForMember = async () => {
  const server = await startApi();
  const sessions = [summary(SESSION), summary(SESSION.replace("7f3c", "80aa"))];
  server.world.fault = ({ path, query }) => {
    const page = Number(query.get("cursor") ?? 0);
    const next_cursor = page === 0 ? "1" : null;
    if (path === "/v1/maintenance")
      return query.get("project") === "other"
        ? problem(403, "forbidden", "the token is of another project")
        : { body: { project_id: PROJECT, maintenance: [sessions[page]], next_cursor } };
    if (path === `/v1/maintenance/${SESSION}/${PROJECT}`)
      return { body: { ...sessions[0], instances: [instances[page]], next_cursor } };
    return undefined;
  };
  return server;
};

describe("lull project status", () => {
  test("lists what concerns the token's project", async () => {
    await using server = await startForMember();
    const { code, out } = await lull(["project", "status", "--endpoint", server.url]);

    expect(code).toBe(0);
    const [head, first, second] = out.split("\n");
    expect(head).toMatch(/^SESSION_ID +STATE +REPLY_AT +MAINTENANCE_AT +ENDS_AT +INSTANCES$/);
    expect(first).toMatch(
      new RegExp(`^${SESSION}  PLANNED_MAINTENANCE  2026-11-22 10:02:00Z .*  2 moved, 1 waiting$`),
    );
    expect(second).toMatch(/^80aa/);
  });

  test("shows the project's instances in a session, told by how its id begins", async () => {
    await using server = await startForMember();
    const args = ["project", "status", "7f3c", "--endpoint", server.url];
    const { out } = await lull(args);

    expect(out).toMatch(/^i1 +name of i1 +moving +LIVE_MIGRATE .* f{12}$/m);
    expect(out).toMatch(/^i2 /m);
    expect(JSON.parse((await lull([...args, "-f", "json"])).out)).toMatchObject({
      session_id: SESSION,
      asks: [],
      instances,
    });
  });

  test("asks a reader of the whole fleet for the project", async () => {
    await using server = await startApi();
    const { code, err } = await lull(["project", "status", "--endpoint", server.url]);

    expect(code).toBe(2);
    expect(err).toContain("--project ID");
  });

  test.each([
    ["another project", ["--project", "other"], 1, "the token is of another project"],
    ["no such session", ["beef"], 2, 'no session has an id that begins with "beef"'],
    ["two sessions", ["7f3c", "80aa"], 2, 'no use for "80aa"'],
  ])("says what is wrong: %s", async (_, args, code, words) => {
    await using server = await startForMember();
    const answer = await lull(["project", "status", ...args, "--endpoint", server.url]);

    expect(answer).toMatchObject({ code, out: "" });
    expect(answer.err).toContain(words);
  });
});
