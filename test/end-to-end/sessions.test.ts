import { expect, test } from "vitest";
import { listMaintenance, releaseHost } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { collect } from "../../lib/client/request.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({ cloud: quickCloud({ hosts: 4, instances: 8 }) });

const ask = async (api: Api, path: string, method = "GET", body?: unknown) => {
  const response = await fetch(api.endpoint + path, {
    method,
    headers: { "x-auth-token": await api.token(), "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
};

test(
  "a host belongs to one session: a second one waits, says for what, and goes on when it is free",
  onStage(async ({ open, ended, when, api }) => {
    const first = await open({ hosts: ["cmp-01"], actions: [{ plugin: "hold", metadata: {} }] });
    await when(first, "the first to hold its host", ({ hosts }) =>
      hosts.every(({ phase }) => phase === "IN_MAINTENANCE"),
    );
    const second = await open({ hosts: ["cmp-01", "cmp-02"] });
    const waiting = await when(second, "the second to say that it waits", ({ attention }) =>
      attention.some(({ code, host }) => code === "host_owned" && host === "cmp-01"),
    );
    expect(waiting.detail.hosts.map(({ phase }) => phase)).toEqual(["WAITING", "WAITING"]);

    await waitFor(
      "the release to be taken",
      () =>
        releaseHost(api, first, "cmp-01").then(
          () => true,
          () => undefined,
        ),
      60_000,
    );
    const [one, other] = [await ended(first), await ended(second)];
    expect([one, other].map(({ detail }) => detail.session.state)).toEqual([
      "MAINTENANCE_DONE",
      "MAINTENANCE_DONE",
    ]);
    expect(other.detail.attention).toEqual([]);
    const begun = Date.parse(other.detail.hosts[0]?.started_at ?? "");
    expect(begun).toBeGreaterThanOrEqual(Date.parse(one.detail.hosts[0]?.finished_at ?? ""));
  }),
);

test(
  "a member of a project gets nothing of the fleet, and no host name",
  onStage(async ({ open, ended, apiAs, simulator }) => {
    const id = await open({ hosts: ["cmp-03"] });
    await ended(id);
    const { alpha } = simulator.tenants;
    if (!alpha) throw new Error("there is no project alpha");
    const tenant = apiAs(alpha);
    const answers = await Promise.all([
      ask(tenant, "/v1/hosts"),
      ask(tenant, "/v1/hosts/cmp-03"),
      ask(tenant, `/v1/maintenance/${id}`),
      ask(tenant, `/v1/maintenance/${id}/detail`),
      ask(tenant, `/v1/maintenance/${id}/events`),
      ask(tenant, "/status/cmp-03"),
      ask(tenant, "/v1/sync", "POST"),
      ask(tenant, "/v1/maintenance", "POST", { hosts: ["cmp-03"] }),
      ask(tenant, `/v1/maintenance/${id}/hosts/cmp-03/release`, "POST"),
      ask(tenant, `/v1/maintenance/${id}`, "DELETE"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    for (const { text } of answers) expect(text).not.toMatch(/cmp-0[124]/);
    const own = await ask(tenant, "/v1/maintenance");
    expect(own.status).toBe(200);
    expect(own.text).not.toMatch(/cmp-/);
  }),
);

test(
  "a token that Keystone does not know, and none, open nothing",
  onStage(async ({ api }) => {
    const stranger = { ...api, token: async () => "gAAAAAinvented" };
    expect((await ask(stranger, "/v1/maintenance")).status).toBe(401);
    expect((await fetch(`${api.endpoint}/v1/maintenance`)).status).toBe(401);
  }),
);

test(
  "one idempotency key is one session, and is not taken for another request",
  onStage(async ({ open, ended, api, clock }) => {
    const body = { hosts: ["cmp-04"], maintenance_at: new Date(clock.now()).toISOString() };
    const before = await collect(listMaintenance(api));
    const [one, same] = await Promise.all([open(body, "night-42"), open(body, "night-42")]);
    expect(same).toBe(one);
    expect(await open(body, "night-42")).toBe(one);
    await expect(open({ ...body, reason: "another" }, "night-42")).rejects.toMatchObject({
      status: 422,
    });
    expect(await collect(listMaintenance(api))).toHaveLength(before.length + 1);
    expect((await ended(one)).detail.session.state).toBe("MAINTENANCE_DONE");
  }),
);

test(
  "a request that cannot be meant is refused by the field that is wrong, and leaves nothing",
  onStage(async ({ open, api, clock }) => {
    const now = clock.now();
    const before = await collect(listMaintenance(api));
    const wrong = (request: Parameters<typeof open>[0], path: string) =>
      expect(open(request)).rejects.toMatchObject({
        status: 422,
        findings: [{ path }],
      });
    await wrong({ hosts: [] }, "hosts");
    await wrong({ hosts: ["cmp-99"] }, "hosts.0");
    await wrong(
      { hosts: ["cmp-01"], maintenance_at: new Date(now - 3_600_000).toISOString() },
      "maintenance_at",
    );
    await wrong({ hosts: ["cmp-01"], ends_at: new Date(now - 1_000).toISOString() }, "ends_at");
    expect(await collect(listMaintenance(api))).toHaveLength(before.length);
  }),
);
