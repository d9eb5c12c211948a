import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Deed } from "../../localstack/openstack/deeds.ts";
import { type Api, type Persona, startApi } from "./api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
afterEach(() => {
  api.cloud.happen({ kind: "clear_faults" });
  api.dynamodb.misbehave({});
});

/** What a client that knows no more than HTTP does with it: it comes again. */
const expectTryAgain = async (call: ReturnType<Api["call"]>) => {
  const { status, headers, body } = await call;

  expect(status).toBe(503);
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  expect(body).toMatchObject({ code: "unavailable", status: 503 });
};

/** Keystone's trouble begins once the persona has a token that the API has not seen yet. */
const callWhile = async (
  persona: Persona,
  effect: (Deed & { kind: "fault" })["fault"]["effect"],
) => {
  const token = await api.tokenOf(persona);
  api.cloud.happen({ kind: "fault", fault: { service: "identity", effect } });
  return api.call("GET", "/v1/hosts", { token });
};

describe("while Keystone", () => {
  test("answers 500, nobody is called unauthorized", async () => {
    await expectTryAgain(callWhile("admin", { kind: "error", status: 500 }));
  });

  test("sheds load, nobody is called unauthorized", async () => {
    await expectTryAgain(callWhile("auditor", { kind: "error", status: 429, html: true }));
  });

  test("breaks connections, nobody is called unauthorized", async () => {
    await expectTryAgain(callWhile("system reader", { kind: "reset_before" }));
  });

  test("is unwell, what needs no token works", async () => {
    api.cloud.happen({
      kind: "fault",
      fault: { service: "identity", effect: { kind: "error", status: 503 } },
    });

    expect((await api.call("GET", "/v1/healthz", { as: null })).status).toBe(200);
    expect((await api.call("GET", "/v1/hosts", { as: null })).status).toBe(401);
  });
});

test("while the table is throttled, the caller is asked to come again", async () => {
  await api.call("GET", "/v1/hosts");
  api.dynamodb.misbehave({ throttle: 1 });

  await expectTryAgain(api.call("GET", "/v1/hosts"));
});

test("while transactions keep colliding, the caller is asked to come again", async () => {
  await api.call("GET", "/v1/hosts");
  api.dynamodb.misbehave({ conflict: 1 });

  await expectTryAgain(api.call("POST", "/v1/sync"));
});
