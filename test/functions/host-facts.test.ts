import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostStore } from "../../lib/store/hosts.ts";
import { aDevice } from "../domain/builders.ts";
import { type Api, startApi } from "./api.ts";
import { problemOf } from "./maintenance-api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await hostStore(api.table).create(aDevice("cmp-01", { labels: { rack: "r1", hardware: "g9" } }));
});
afterAll(() => api.close());

const show = () => api.call("GET", "/v1/hosts/cmp-01");
const patch = (body: unknown, ifMatch: string | null = "*", host = "cmp-01") =>
  api.call("PATCH", `/v1/hosts/${host}`, {
    body,
    headers: ifMatch === null ? {} : { "if-match": ifMatch },
  });

describe("what an operator knows of a host", () => {
  test("is changed on the version that was read, and counts as a change", async () => {
    const { headers, body } = await show();
    const changed = await patch({ instance_storage: "local" }, headers.get("etag"));

    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({ ...body, instance_storage: "local", version: body.version + 1 });
    expect(changed.headers.get("etag")).toBe(`"host-${body.version + 1}"`);
    expect((await show()).body).toEqual(changed.body);
  });

  test("are labels, given as a whole, and storage, each apart from the other", async () => {
    await patch({ instance_storage: "shared", labels: { rack: "r2" } });
    expect((await show()).body).toMatchObject({
      labels: { rack: "r2" },
      instance_storage: "shared",
    });

    await patch({ labels: {} });
    expect((await show()).body).toMatchObject({ labels: {}, instance_storage: "shared" });

    await patch({ instance_storage: null });
    expect((await show()).body.instance_storage).toBeNull();
  });

  test("is not changed on a version that is not the newest", async () => {
    const { headers } = await show();
    await patch({ labels: { rack: "r3" } });
    const late = await patch({ labels: {} }, headers.get("etag"));

    expect(problemOf(late)).toMatchObject({ status: 412, code: "precondition_failed" });
    expect((await show()).body.labels).toEqual({ rack: "r3" });
  });

  test("changed by two at once on one version is changed by one of them", async () => {
    const etag = (await show()).headers.get("etag");
    const answers = await Promise.all(
      ["a", "b", "c"].map((rack) => patch({ labels: { rack } }, etag)),
    );

    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412, 412]);
  });

  test("is not changed by whoever does not say on which version", async () => {
    expect(problemOf(await patch({ labels: {} }, null))).toEqual({
      status: 400,
      code: "invalid",
      errors: ["If-Match if_match_missing"],
    });
  });

  test.each([
    ["nothing", {}],
    ["an unknown field", { zone: "az2" }],
    ["a label that is a place already", { labels: { zone: "az2" } }],
    ["a label without a name", { labels: { "": "x" } }],
    ["a label that is too long", { labels: { rack: "x".repeat(256) } }],
    ["too many labels", { labels: Object.fromEntries([...Array(51).keys()].map((n) => [n, "x"])) }],
    ["a storage that there is not", { instance_storage: "floppy" }],
  ])("is not %s", async (_, body) => {
    const before = (await show()).body;

    expect((await patch(body)).status).toBe(400);
    expect((await show()).body).toEqual(before);
  });

  test("is of a host that the inventory has", async () => {
    expect((await patch({ labels: {} }, "*", "cmp-99")).status).toBe(404);
  });
});
