import { afterAll, beforeAll, expect, test } from "vitest";
import { freezeStore } from "../../lib/store/freeze.ts";
import { type MaintenanceApi, startMaintenanceApi } from "./maintenance-api.ts";

let api: MaintenanceApi;
beforeAll(async () => {
  api = await startMaintenanceApi();
});
afterAll(() => api.close());

const freeze = (body: object) => api.call("PUT", "/v1/freeze", { body });
const thaw = () => api.call("DELETE", "/v1/freeze");
const look = async () => (await api.call("GET", "/v1/freeze")).body;

test("a cloud that nobody has ever frozen is not", async () => {
  expect(await look()).toEqual({ frozen: false, by: null, at: null, reason: null });
});

test("a freeze says who and why, and so does each session until it is thawed", async () => {
  const id = await api.created();
  const { status, body } = await freeze({ reason: "power cut" });

  expect(status).toBe(200);
  expect(body).toMatchObject({ frozen: true, by: "admin", reason: "power cut" });
  expect(await look()).toEqual(body);
  expect(await freezeStore(api.table).get()).toEqual(body);
  for (const more of ["", "/detail"])
    expect((await api.show(id, more)).body.attention).toMatchObject([
      { code: "frozen", message: "the whole cloud was frozen by admin: power cut" },
    ]);

  expect((await thaw()).body).toMatchObject({ frozen: false, by: "admin" });
  expect((await api.show(id)).body.attention).toEqual([]);
});

test("the same freeze or thaw again changes nothing; a new reason is the newest", async () => {
  const first = (await freeze({ reason: "power cut" })).body;

  expect((await freeze({ reason: "power cut" })).body).toEqual(first);
  expect((await freeze({ reason: "storage" })).body).toMatchObject({ reason: "storage" });
  const thawed = (await thaw()).body;
  expect((await thaw()).body).toEqual(thawed);
});

test.each([{}, { reason: "" }, { reason: "x".repeat(201) }, { reason: "x", until: "noon" }])(
  "a freeze by %j is refused",
  async (body) => {
    const before = await look();

    expect((await freeze(body)).status).toBe(400);
    expect(await look()).toEqual(before);
  },
);
