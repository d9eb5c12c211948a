import { describe, expect, it } from "vitest";
import { validateToken } from "../../../lib/openstack/identity/tokens.ts";
import { scriptedServer } from "./scripted-server.ts";

const reply = (scope: object) => ({
  status: 200,
  body: {
    token: {
      methods: ["password"],
      user: { id: "u1", name: "alice", domain: { id: "default", name: "Default" } },
      roles: [
        { id: "r1", name: "member" },
        { id: "r2", name: "reader" },
      ],
      expires_at: "2026-11-22T13:38:13.000000Z",
      issued_at: "2026-11-22T09:38:13.000000Z",
      ...scope,
    },
  },
});

describe("a token", () => {
  it("proves itself and tells its owner", async () => {
    const server = await scriptedServer(() => reply({ project: { id: "p1", name: "alpha" } }));
    expect(await validateToken({ authUrl: server.url }, "abc")).toEqual({
      user: { id: "u1", name: "alice" },
      project: { id: "p1", name: "alpha" },
      system: false,
      roles: ["member", "reader"],
      expires_at: "2026-11-22T13:38:13.000000Z",
      application_credential_id: null,
    });
    expect(server.asked[0]).toMatchObject({
      path: "/v3/auth/tokens?nocatalog",
      headers: { "x-auth-token": "abc", "x-subject-token": "abc" },
    });
  });

  it("of system scope has no project", async () => {
    const server = await scriptedServer(() => reply({ system: { all: true } }));
    const owner = await validateToken({ authUrl: server.url }, "abc");
    expect(owner).toMatchObject({ system: true, project: null });
  });

  it.each([401, 404])("that Keystone answers with %d is invalid", async (status) => {
    const server = await scriptedServer(() => ({ status }));
    await expect(validateToken({ authUrl: server.url }, "abc")).rejects.toMatchObject({
      name: "InvalidTokenError",
    });
  });

  it("that could not be a header is invalid without asking", async () => {
    const server = await scriptedServer(() => reply({}));
    await expect(validateToken({ authUrl: server.url }, "a\r\nb")).rejects.toMatchObject({
      name: "InvalidTokenError",
    });
    expect(server.asked).toHaveLength(0);
  });

  it("is asked for again when the connection breaks: a manager that says a thing once is not turned away", async () => {
    const server = await scriptedServer((_, times) =>
      times === 1 ? "reset" : reply({ project: { id: "p1", name: "alpha" } }),
    );
    expect(await validateToken({ authUrl: server.url }, "abc")).toMatchObject({
      project: { id: "p1" },
    });
  });

  it("is not called invalid while Keystone is down", async () => {
    const server = await scriptedServer(() => ({ status: 503, body: "<html>busy</html>" }));
    await expect(validateToken({ authUrl: server.url }, "abc")).rejects.toMatchObject({
      name: "TransientOpenStackError",
      status: 503,
    });
    await server.close();
    await expect(validateToken({ authUrl: server.url }, "abc")).rejects.toMatchObject({
      name: "TransientOpenStackError",
      status: null,
    });
  });
});
