import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { constraintStore } from "../../lib/store/constraints.ts";
import { type Answer, type Api, type Persona, startApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi({ LULL_MAX_LEAD_SECONDS: "600", LULL_MAX_CONSTRAINTS: "20" });
});
afterAll(() => api.close());

const MEMBER = "project member" satisfies Persona;

const projectNamed = (name: string): string =>
  api.cloud.world.projects.find((project) => project.name === name)?.id ?? "";

/** An instance in Nova of the project. */
const instanceOf = (project: string): string =>
  [...api.cloud.world.instances.values()].find(
    ({ project_id }) => project_id === projectNamed(project),
  )?.id ?? "";

/** One more in Nova, of a project that the simulated cloud gave none. */
const newInstanceOf = (project_id: string): string => {
  const { instances } = api.cloud.world;
  const id = crypto.randomUUID();
  for (const any of [...instances.values()].slice(0, 1))
    instances.set(id, { ...any, id, project_id });
  return id;
};

/** A token of the project's own user, whom the simulated cloud knows. */
const tokenOf = async (project: string): Promise<string> => {
  const config = api.cloud.tenants[project];
  const response = await fetch(`${api.cloud.authUrl}/v3/auth/tokens`, {
    method: "POST",
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ["password"],
          password: { user: { name: config?.username, password: config?.password } },
        },
      },
    }),
  });
  return response.headers.get("x-subject-token") ?? "";
};

const problemOf = ({ status, headers, body }: Answer) => {
  expect(headers.get("content-type")).toBe("application/problem+json");
  return {
    status,
    code: body.code,
    errors: (body.errors ?? []).map(
      (one: { path: string; code: string }) => `${one.path} ${one.code}`,
    ),
  };
};

/** What real clients send with every call, GET and DELETE too. */
const CLIENT = { "content-type": "application/json", accept: "application/json" };

const asMember = (method: string, path: string, body?: unknown) =>
  api.call(method, path, { as: MEMBER, headers: CLIENT, ...(body !== undefined && { body }) });

/** Doctor's body of a group that is not highly available, key by key. */
const doctorsGroup = (group_id: string, project_id: string) => ({
  group_id,
  project_id,
  group_name: "doctor_nonha_app_group",
  anti_affinity_group: false,
  max_instances_per_host: 0,
  max_impacted_members: 2,
  recovery_time: 2,
  resource_mitigation: true,
});

const doctorsInstance = (instance_id: string, project_id: string, group_id: string) => ({
  instance_id,
  project_id,
  group_id,
  instance_name: "doctor_nonha_app_0",
  max_interruption_time: 120,
  migration_type: "MIGRATE",
  resource_mitigation: true,
  lead_time: 40,
});

describe("Doctor's VNFM, whose user is an admin in its project", () => {
  test("sets its constraints, reads them as it sent them, and takes them back", async () => {
    const project = projectNamed("admin");
    const group = crypto.randomUUID();
    const id = newInstanceOf(project);
    const bodies = {
      [`/v1/instance_group/${group}`]: doctorsGroup(group, project),
      [`/v1/instance/${id}`]: doctorsInstance(id, project, group),
    };
    for (const [path, body] of Object.entries(bodies)) {
      const put = await api.call("PUT", path, { headers: CLIENT, body });
      const { project_id, ...said } = body;

      expect(put.status).toBe(200);
      expect(put.body).toMatchObject({ ...said, project_id, stated_project_id: project_id });
      expect(put.body.warnings).toEqual([]);
      const { warnings: _, ...kept } = put.body;
      expect(await api.call("GET", path, { headers: CLIENT })).toMatchObject({
        status: 200,
        body: kept,
      });
    }
    // Instances first, then groups; once more, and the first time over.
    for (const path of [...Object.keys(bodies).toReversed(), ...Object.keys(bodies)]) {
      const gone = await api.call("DELETE", path, { headers: CLIENT });
      expect({ status: gone.status, body: gone.body }).toEqual({ status: 200, body: {} });
      expect((await api.call("GET", path, { headers: CLIENT })).status).toBe(404);
    }
  });
});

describe("Tacker", () => {
  test("is understood with the commas of its documented configuration and with its own project", async () => {
    const group = crypto.randomUUID();
    const id = instanceOf("alpha");
    const tackers = "7e1f3a5c1b2d4e6f8a9b0c1d2e3f4a5b";
    const putGroup = await asMember("PUT", `/v1/instance_group/${group}`, {
      ...doctorsGroup(group, tackers),
      group_name: "tacker_nonha_app_group_1",
      max_impacted_members: "1,",
      recovery_time: "60,",
      resource_mitigation: "True,",
    });
    const putInstance = await asMember("PUT", `/v1/instance/${id}`, {
      ...doctorsInstance(id, projectNamed("alpha"), group),
      instance_name: "VDU1",
      lead_time: "120,",
      resource_mitigation: "True,",
    });

    expect(putGroup).toMatchObject({
      status: 200,
      body: {
        project_id: projectNamed("alpha"),
        stated_project_id: tackers,
        max_impacted_members: 1,
        recovery_time: 60,
        resource_mitigation: true,
      },
    });
    expect(putInstance).toMatchObject({ status: 200, body: { lead_time: 120, group_id: group } });
    // It deletes a group before its members.
    expect((await asMember("DELETE", `/v1/instance_group/${group}`)).status).toBe(200);
    expect((await asMember("DELETE", `/v1/instance/${id}`)).status).toBe(200);
  });
});

describe("writing", () => {
  test("replaces the whole, and the same again changes nothing", async () => {
    const path = `/v1/instance/${instanceOf("alpha")}`;
    await asMember("PUT", path, { lead_time: 40, migration_type: "OWN_ACTION" });
    const once = await asMember("PUT", path, { lead_time: 50 });
    const twice = await asMember("PUT", path, { lead_time: 50 });

    expect(once.body).toMatchObject({ lead_time: 50, migration_type: null });
    expect({ ...twice.body, updated_at: "" }).toEqual({ ...once.body, updated_at: "" });
  });

  test("gives a default back as it was read without making it the owner's word", async () => {
    const path = `/v1/instance/${newInstanceOf(projectNamed("alpha"))}`;
    await asMember("PUT", path, { lead_time: 40 });
    const { body: read } = await asMember("GET", path);
    await asMember("PUT", path, { ...read, lead_time: 50 });

    expect((await asMember("GET", path)).body).toMatchObject({
      lead_time: 50,
      max_interruption_time: read.max_interruption_time,
      interruption_stated: false,
    });
    const { interruption_stated: _, ...said } = read;
    await asMember("PUT", path, said);
    expect((await asMember("GET", path)).body).toMatchObject({ interruption_stated: true });
  });

  test("lowers what is above the operator's cap and says so", async () => {
    const { status, body } = await asMember("PUT", `/v1/instance/${instanceOf("alpha")}`, {
      lead_time: 100_000,
    });

    expect({ status, lead_time: body.lead_time }).toEqual({ status: 200, lead_time: 600 });
    expect(body.warnings).toMatchObject([{ path: "lead_time", code: "lowered" }]);
  });

  test.each([
    [
      "max_impacted_members: 0",
      { max_impacted_members: 0 },
      422,
      "max_impacted_members invalid_number",
    ],
    ["the id of another", { group_id: crypto.randomUUID() }, 422, "group_id other_id"],
    ["words for numbers", { recovery_time: "soon" }, 422, "recovery_time invalid_number"],
  ])("refuses %s and keeps nothing", async (_, body, status, finding) => {
    const path = `/v1/instance_group/${crypto.randomUUID()}`;

    expect(problemOf(await asMember("PUT", path, body))).toEqual({
      status,
      code: "invalid",
      errors: [finding],
    });
    expect((await asMember("GET", path)).status).toBe(404);
  });

  test.each(["", "{", "[]", "null", '"x"'])("refuses the body %j", async (body) => {
    const path = `/v1/instance_group/${crypto.randomUUID()}`;

    expect((await asMember("PUT", path, body)).status).toBe(400);
  });

  test("finds nothing under what is no id, and has nothing to delete there", async () => {
    expect((await asMember("PUT", "/v1/instance_group/mine", {})).status).toBe(404);
    expect((await asMember("GET", "/v1/instance/mine")).status).toBe(404);
    expect(await asMember("DELETE", "/v1/instance/mine")).toMatchObject({ status: 200, body: {} });
  });

  test("works with a slash at the end and an id in capitals", async () => {
    const id = crypto.randomUUID();
    const put = await asMember("PUT", `/v1/instance_group/${id.toUpperCase()}/`, {});

    expect(put).toMatchObject({ status: 200, body: { group_id: id } });
    expect((await asMember("GET", `/v1/instance_group/${id}/`)).status).toBe(200);
    expect((await asMember("DELETE", `/v1/instance_group/${id}/`)).status).toBe(200);
    expect((await asMember("GET", `/v1/instance_group/${id}`)).status).toBe(404);
  });
});

describe("an instance's constraints are set by its project alone, by Nova's word", () => {
  test("so that another project's is not found, nor one that does not exist", async () => {
    const foreign = await asMember("PUT", `/v1/instance/${instanceOf("beta")}`, {});
    const unknown = await asMember("PUT", `/v1/instance/${crypto.randomUUID()}`, {});

    expect(problemOf(foreign)).toMatchObject({ status: 404, code: "not_found" });
    expect(foreign.body).toEqual(unknown.body);
  });

  test("also to an admin, who sees it in Nova", async () => {
    const answer = await api.call("PUT", `/v1/instance/${instanceOf("beta")}`, { body: {} });

    expect(problemOf(answer)).toMatchObject({ status: 404 });
  });

  test.each([
    ["Nova", "compute"],
    ["Keystone", "identity"],
  ] as const)("and while %s is unwell nothing is written", async (_, service) => {
    const token = await tokenOf("beta");
    const path = `/v1/instance/${instanceOf("beta")}`;
    // Its owner is known from here on; only where Nova is has to be asked.
    expect((await api.call("GET", path, { token })).status).toBe(404);
    api.cloud.happen({ kind: "fault", fault: { service, effect: { kind: "error", status: 500 } } });
    const answer = await api.call("PUT", path, { token, body: {} });
    api.cloud.happen({ kind: "clear_faults" });

    expect(problemOf(answer)).toMatchObject({ status: 503, code: "unavailable" });
    expect(answer.headers.get("retry-after")).toBe("5");
    expect((await api.call("GET", path, { token })).status).toBe(404);
  });

  test("and a token that was revoked meanwhile is refused", async () => {
    const token = await tokenOf("beta");
    await api.call("GET", "/v1/instance", { token });
    await fetch(`${api.cloud.authUrl}/v3/auth/tokens`, {
      method: "DELETE",
      headers: { "x-auth-token": token, "x-subject-token": token },
    });

    const answer = await api.call("PUT", `/v1/instance/${instanceOf("beta")}`, { token, body: {} });
    expect(problemOf(answer)).toMatchObject({ status: 401 });
  });

  test("and a token of the whole system speaks for no project", async () => {
    const answer = await api.call("PUT", `/v1/instance_group/${crypto.randomUUID()}`, {
      as: "system member",
      body: {},
    });

    expect(problemOf(answer)).toMatchObject({ status: 403 });
  });
});

describe("two projects", () => {
  test("never see, overwrite or delete what is the other's", async () => {
    const token = await tokenOf("beta");
    const group = crypto.randomUUID();
    const instance = instanceOf("beta");
    const paths = [`/v1/instance_group/${group}`, `/v1/instance/${instance}`];
    for (const path of paths)
      expect((await api.call("PUT", path, { token, body: { project_id: "x" } })).status).toBe(200);

    for (const path of paths) {
      expect(problemOf(await asMember("GET", path))).toMatchObject({ status: 404 });
      expect(problemOf(await asMember("PUT", path, {}))).toMatchObject({ status: 404 });
      expect(await asMember("DELETE", path)).toMatchObject({ status: 200, body: {} });
      expect((await api.call("GET", path, { token })).body.stated_project_id).toBe("x");
      expect(
        problemOf(await asMember("GET", `${path}?project=${projectNamed("beta")}`)).status,
      ).toBe(403);
    }
    const mine = await asMember("GET", "/v1/instance_group");
    const theirs = await api.call("GET", "/v1/instance_group", { token });
    expect(JSON.stringify(mine.body)).not.toContain(group);
    expect(theirs.body).toMatchObject({
      project_id: projectNamed("beta"),
      instance_groups: [{ group_id: group }],
      next_cursor: null,
    });
    for (const path of paths) await api.call("DELETE", path, { token });
  });

  test("are both shown to readers of the fleet, who name one", async () => {
    const id = crypto.randomUUID();
    const path = `/v1/instance_group/${id}`;
    await asMember("PUT", path, {});

    for (const as of ["admin", "system reader", "auditor"] as const) {
      const query = `?project=${projectNamed("alpha")}`;
      expect((await api.call("GET", path + query, { as })).body.group_id).toBe(id);
      const { body } = await api.call("GET", `/v1/instance_group${query}`, { as });
      expect(JSON.stringify(body.instance_groups)).toContain(id);
    }
    expect((await api.call("GET", "/v1/instance", { as: "system reader" })).status).toBe(404);
    await asMember("DELETE", path);
  });
});

describe("the rows of one project", () => {
  test("are as many as the operator allows, and those there are can still be changed", async () => {
    const token = await tokenOf("beta");
    const put = (id: string, body: object = {}) =>
      api.call("PUT", `/v1/instance_group/${id}`, { token, body });
    const ids = Array.from({ length: 20 }, () => crypto.randomUUID());
    for (const id of ids) expect((await put(id)).status).toBe(200);
    const oneMore = await put(crypto.randomUUID());
    const [first = ""] = ids;

    expect(problemOf(oneMore)).toMatchObject({ status: 409, code: "conflict" });
    expect(oneMore.body.detail).toContain("LULL_MAX_CONSTRAINTS");
    expect((await put(first, { recovery_time: 5 })).body.recovery_time).toBe(5);
    expect((await asMember("PUT", `/v1/instance_group/${crypto.randomUUID()}`, {})).status).toBe(
      200,
    );
    await api.call("DELETE", `/v1/instance_group/${first}`, { token });
    expect((await put(crypto.randomUUID())).status).toBe(200);
  });

  test("come in pages by id, each once", async () => {
    const token = await tokenOf("beta");
    const seen: string[] = [];
    let query = "";
    for (;;) {
      const { body } = await api.call("GET", `/v1/instance_group?limit=7${query}`, { token });
      seen.push(...body.instance_groups.map(({ group_id }: { group_id: string }) => group_id));
      if (body.next_cursor === null) break;
      query = `&cursor=${body.next_cursor}`;
    }

    expect(seen).toHaveLength(20);
    expect(seen).toEqual([...new Set(seen)].toSorted());
    expect((await api.call("GET", "/v1/instance_group?cursor=x", { token })).status).toBe(400);
  });

  test("are read by the engine for many instances at once", async () => {
    const id = instanceOf("alpha");
    await asMember("PUT", `/v1/instance/${id}`, { lead_time: 33 });
    const { instances } = constraintStore(api.table);
    const found = await instances.getMany([id, id, crypto.randomUUID()]);

    expect([...found.keys()]).toEqual([id]);
    expect(found.get(id)).toMatchObject({ lead_time: 33, project_id: projectNamed("alpha") });
  });
});
