import { describe, expect, test } from "vitest";
import { problem, startApi } from "../client/fake-api.ts";
import type { Answer, Call } from "../json-server.ts";
import { lull } from "./lull.ts";

const ID = "7f3c0000-0000-4000-8000-000000000001";
const OTHER = "80aa0000-0000-4000-8000-000000000002";
const URL = "https://vnfm.example.org/maintenance";

const subscription = (subscription_id: string) => ({
  subscription_id,
  project_id: "p1",
  url: URL,
  events: ["maintenance.scheduled"],
  description: "the VNFM",
  created_at: "2026-11-22T10:00:00.000Z",
  created_by: "alice",
});

const delivery = (message_id: string) => ({
  message_id,
  session_id: ID,
  at: "2026-11-22T10:00:00.000Z",
  event_state: "MAINTENANCE",
  state: "failed",
  attempts: 3,
  next_at: null,
  last_error: `${message_id} was refused`,
});

/** The API as a member of a project finds it; `over` is asked first. */
const startForMember = async (over: Readonly<Record<string, (call: Call) => Answer>> = {}) => {
  const server = await startApi();
  const routes: Record<string, (call: Call) => Answer> = {
    "POST /v1/subscriptions": () => ({
      status: 201,
      body: { ...subscription(ID), secret: "whsec_c2VjcmV0" },
    }),
    "GET /v1/subscriptions": () => ({
      body: { subscriptions: [subscription(ID), subscription(OTHER)] },
    }),
    [`GET /v1/subscriptions/${ID}`]: () => ({ body: subscription(ID) }),
    [`DELETE /v1/subscriptions/${ID}`]: () => ({ body: {} }),
    [`POST /v1/subscriptions/${ID}/test`]: () => ({
      body: { delivered: true, status: 204, error: null },
    }),
    [`GET /v1/subscriptions/${ID}/deliveries`]: ({ query }) =>
      query.get("cursor") === null
        ? { body: { deliveries: [delivery("msg_1")], next_cursor: "1" } }
        : { body: { deliveries: [delivery("msg_2")], next_cursor: null } },
    ...over,
  };
  server.world.fault = (call) => routes[`${call.method} ${call.path}`]?.(call);
  return server;
};

type Server = Awaited<ReturnType<typeof startForMember>>;
const run = (server: Server, ...args: readonly string[]) =>
  lull(["project", "subscription", ...args, "--endpoint", server.url]);

describe("lull project subscription", () => {
  test("create shows the secret, and says that it is the only time", async () => {
    await using server = await startForMember();
    const { code, out } = await run(server, "create", URL, "--description", "the VNFM");

    expect(code).toBe(0);
    expect(out).toContain("secret: whsec_c2VjcmV0");
    expect(out).toContain(`lull project subscription test ${ID}`);
    expect(server.calls[0]?.body).toEqual({ url: URL, description: "the VNFM" });
  });

  test("create asks for the events that are named", async () => {
    await using server = await startForMember();
    await run(server, "create", URL, "--event", "maintenance.scheduled,maintenance.override");

    expect(server.calls[0]?.body).toEqual({
      url: URL,
      events: ["maintenance.scheduled", "maintenance.override"],
    });
  });

  test("create says why an address is refused", async () => {
    const errors = [{ path: "url", code: "url_refused", message: "which is never reached" }];
    await using server = await startForMember({
      "POST /v1/subscriptions": () => problem(422, "invalid", "nothing may be sent there", errors),
    });
    const { code, err } = await run(server, "create", "https://169.254.169.254/");

    expect(code).not.toBe(0);
    expect(err).toContain("which is never reached");
  });

  test("list has the project's, show one of them by how its id begins", async () => {
    await using server = await startForMember();

    expect((await run(server, "list", "-f", "value", "-c", "subscription_id")).out.trim()).toBe(
      `${ID}\n${OTHER}`,
    );
    expect((await run(server, "show", "7f3c")).out).toContain(URL);
    const unknown = await run(server, "show", "beef");
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain('no subscription has an id that begins with "beef"');
  });

  test("delete asks first", async () => {
    await using server = await startForMember();
    expect((await run(server, "delete", ID)).code).toBe(2);
    expect(server.asked()).not.toContain(`DELETE /v1/subscriptions/${ID}`);
    expect((await run(server, "delete", ID, "--yes")).code).toBe(0);
    expect(server.asked()).toContain(`DELETE /v1/subscriptions/${ID}`);
  });

  test("test tells what came back, and fails when it was not taken", async () => {
    await using server = await startForMember();
    expect((await run(server, "test", ID)).out).toContain("it answered 204");
    await using broken = await startForMember({
      [`POST /v1/subscriptions/${ID}/test`]: () => ({
        body: { delivered: false, status: null, error: "connect ECONNREFUSED" },
      }),
    });
    const { code, err } = await run(broken, "test", ID);
    expect(code).toBe(1);
    expect(err).toContain("ECONNREFUSED");
  });

  test("deliveries are listed to the last page", async () => {
    await using server = await startForMember();
    const { out } = await run(server, "deliveries", ID, "-c", "state,last_error");

    expect(out).toMatch(/failed +msg_1 was refused\nfailed +msg_2 was refused/);
  });

  test("replay goes on until all is to be sent again", async () => {
    const bodies: unknown[] = [];
    await using server = await startForMember({
      [`POST /v1/subscriptions/${ID}/replay`]: ({ body }) => {
        bodies.push(body);
        return {
          status: 202,
          body: { replayed: 200, next_cursor: bodies.length < 2 ? "next" : null },
        };
      },
    });
    const { out } = await run(server, "replay", ID, "--since", "2026-11-22T10:00:00Z");
    expect(out).toContain("400 messages will be sent again");
    const since = "2026-11-22T10:00:00.000Z";
    expect(bodies).toEqual([{ since }, { since, cursor: "next" }]);
    expect((await run(server, "replay", ID)).err).toContain("--since TIME");
  });
});
