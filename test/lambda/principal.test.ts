import { describe, expect, test } from "vitest";
import { UnauthorizedError } from "../../lib/domain/errors.ts";
import { authenticator, principalOf } from "../../lib/lambda/principal.ts";
import type { TokenOwner } from "../../lib/openstack/identity/token-body.ts";
import type { Transport } from "../../lib/openstack/transport.ts";

const NOON = Date.parse("2026-11-22T12:00:00Z");
const rules = { adminRole: "admin", readerRole: "auditor" };

const owner = (but: Partial<TokenOwner> = {}): TokenOwner => ({
  user: { id: "user-1", name: "alice" },
  project: { id: "project-1", name: "alpha" },
  system: false,
  roles: [],
  expires_at: "2026-11-22T20:00:00.000000Z",
  application_credential_id: null,
  ...but,
});
const inSystem = { project: null, system: true };

describe("a token", () => {
  test.each<[string, Partial<TokenOwner>, string[]]>([
    [
      "of the admin role",
      { roles: ["admin"] },
      ["fleet_admin", "project_member", "project_writer"],
    ],
    ["of the admin role, system-scoped", { ...inSystem, roles: ["admin"] }, ["fleet_admin"]],
    ["of the configured reader role", { roles: ["auditor"] }, ["fleet_reader", "project_member"]],
    ["of a reader of the whole system", { ...inSystem, roles: ["reader"] }, ["fleet_reader"]],
    ["of a reader of a project", { roles: ["reader"] }, ["project_member"]],
    [
      "of a member of a project",
      { roles: ["member", "reader"] },
      ["project_member", "project_writer"],
    ],
    ["of a member of the whole system", { ...inSystem, roles: ["member"] }, []],
    [
      "of a role whose name only begins alike",
      { roles: ["administrator"] },
      ["project_member", "project_writer"],
    ],
    ["scoped to nothing", { project: null, roles: [] }, []],
  ])("%s speaks for %s", (_, but, personas) => {
    expect([...principalOf(owner(but), rules).personas].toSorted()).toEqual(personas);
  });

  test("of any role is no fleet reader where no role is configured", () => {
    const { personas } = principalOf(owner({ roles: ["auditor", "null", ""] }), {
      adminRole: "admin",
      readerRole: null,
    });

    expect([...personas]).toEqual(["project_member", "project_writer"]);
  });

  test("names its user and project", () => {
    expect(principalOf(owner(), rules)).toMatchObject({
      user: "user-1",
      name: "alice",
      projectId: "project-1",
    });
  });
});

describe("authentication", () => {
  /** A Keystone that knows one token, and how often it was asked. */
  const keystone = (expires_at = "2026-11-22T20:00:00.000000Z") => {
    const asked: string[] = [];
    const transport: Transport = async ({ headers }) => {
      const token = headers["X-Auth-Token"] ?? "";
      asked.push(token);
      const body = {
        token: {
          user: { id: "user-1", name: "alice" },
          project: { id: "project-1", name: "alpha" },
          roles: [{ name: "admin" }],
          expires_at,
        },
      };
      return {
        status: token === "good" ? 200 : 404,
        header: () => undefined,
        text: JSON.stringify(token === "good" ? body : { error: {} }),
      };
    };
    const authenticate = authenticator({ authUrl: "http://keystone.example", transport }, rules);
    return { asked, authenticate };
  };

  test("asks Keystone once a minute about one token", async () => {
    const { asked, authenticate } = keystone();
    await authenticate("good", NOON);
    await authenticate("good", NOON + 59_999);
    expect(asked).toHaveLength(1);

    await authenticate("good", NOON + 60_000);
    expect(asked).toHaveLength(2);
  });

  test("asks again as soon as the token has expired", async () => {
    const { asked, authenticate } = keystone("2026-11-22T12:00:10.000000Z");
    await authenticate("good", NOON);
    await authenticate("good", NOON + 10_000);

    expect(asked).toHaveLength(2);
  });

  test("asks each time about a token that was refused", async () => {
    const { asked, authenticate } = keystone();
    for (let n = 0; n < 2; n++)
      await expect(authenticate("bad", NOON)).rejects.toThrow(UnauthorizedError);

    expect(asked).toHaveLength(2);
  });

  test.each([undefined, ""])("without a token (%j) asks nobody", async (token) => {
    const { asked, authenticate } = keystone();

    await expect(authenticate(token, NOON)).rejects.toThrow(UnauthorizedError);
    expect(asked).toEqual([]);
  });

  test("remembers no more than a thousand tokens, whoever sends them", async () => {
    const transport: Transport = async () => ({
      status: 200,
      header: () => undefined,
      text: JSON.stringify({
        token: { user: { id: "u", name: "n" }, roles: [], expires_at: "2026-11-22T20:00:00Z" },
      }),
    });
    const authenticate = authenticator({ authUrl: "http://keystone.example", transport }, rules);
    for (let n = 0; n < 1_500; n++) await authenticate(`token-${n}`, NOON);

    expect((await authenticate("token-1499", NOON)).user).toBe("u");
  });
});
