import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newDelivery, settled } from "../../lib/domain/delivery.ts";
import { later } from "../../lib/domain/instant.ts";
import { laneStore } from "../../lib/store/lanes.ts";
import { aProjectEvent } from "../delivery/builders.ts";
import { startReceiver, type TestReceiver } from "../delivery/receiver.ts";
import { NOW } from "../store/dynamodb.ts";
import { type Api, type Persona, startApi } from "./api.ts";

const OWN_PORT = 8_080;

let api: Api;
let receiver: TestReceiver;
beforeAll(async () => {
  api = await startApi({
    LULL_EGRESS_ALLOW: "127.0.0.0/8",
    LULL_MAX_SUBSCRIPTIONS: "3",
    LULL_PUBLIC_URL: `http://127.0.0.1:${OWN_PORT}`,
  });
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await api.close();
});

const call = (method: string, path: string, body?: unknown, as: Persona = "project member") =>
  api.call(method, `/v1/subscriptions${path}`, { as, body });

const subscribed = async (url = receiver.url) => {
  const { body } = await call("POST", "", { url });
  return body as { readonly subscription_id: string; readonly secret: string };
};
const forget = (...ids: readonly string[]) =>
  Promise.all(ids.map((id) => call("DELETE", `/${id}`)));

describe("a subscription", () => {
  test("tells its secret once", async () => {
    const { status, body } = await call("POST", "", { url: receiver.url, description: "ours" });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      url: receiver.url,
      events: ["maintenance.scheduled"],
      description: "ours",
      created_by: "project member",
      secret: expect.stringMatching(/^whsec_[\w+/]{43}=$/),
    });
    const { secret, ...view } = body;
    const one = await call("GET", `/${body.subscription_id}`);
    const all = await call("GET", "");
    expect(one.body).toEqual(view);
    expect(all.body).toEqual({ subscriptions: [view] });
    await forget(body.subscription_id);
    expect((await call("GET", "")).body).toEqual({ subscriptions: [] });
  });

  test("is sent what it asks for, else what every client knows", async () => {
    const events = ["maintenance.scheduled", "maintenance.override"];
    const both = await call("POST", "", { url: receiver.url, events });
    const one = await call("POST", "", { url: receiver.url });

    expect(both.body.events).toEqual(events);
    expect(one.body.events).toEqual(["maintenance.scheduled"]);
    await forget(both.body.subscription_id, one.body.subscription_id);
  });

  test("has a secret of its own", async () => {
    const [one, other] = [await subscribed(), await subscribed()];
    expect(one.secret).not.toBe(other.secret);
    await forget(one.subscription_id, other.subscription_id);
  });

  test("is its project's, and nobody else's, not even an admin's", async () => {
    const { subscription_id } = await subscribed();
    for (const [method, path, body] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/test"],
      ["POST", "/replay", { since: NOW }],
      ["GET", "/deliveries"],
    ] as const)
      expect((await call(method, `/${subscription_id}${path}`, body, "admin")).status).toBe(404);
    expect((await call("GET", "", undefined, "admin")).body).toEqual({ subscriptions: [] });
    await forget(subscription_id);
  });

  test("is one of few", async () => {
    const tries = await Promise.all(
      Array.from({ length: 6 }, () => call("POST", "", { url: receiver.url })),
    );
    const statuses = tries.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([201, 201, 201, 422, 422, 422]);
    expect(tries.find(({ status }) => status === 422)?.body.errors[0].code).toBe(
      "too_many_subscriptions",
    );
    const made = tries.flatMap(({ status, body }) => (status === 201 ? body.subscription_id : []));
    await forget(...made);
    const { subscription_id } = await subscribed();
    await forget(subscription_id);
  });

  test.each([
    ["url", {}],
    ["url", { url: 1 }],
    ["events", { url: "https://receiver.example/", events: [] }],
    ["events", { url: "https://receiver.example/", events: Array(3).fill("maintenance.override") }],
    ["events.0", { url: "https://receiver.example/", events: ["maintenance.host"] }],
    ["description", { url: "https://receiver.example/", description: "x".repeat(201) }],
  ])("without a good %s is refused", async (path, body) => {
    const answer = await call("POST", "", body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe(path);
  });
});

describe("a test", () => {
  test("is sent signed, and its answer told by its status", async () => {
    const { subscription_id, secret } = await subscribed();
    const before = receiver.received.length;
    const { status, body } = await call("POST", `/${subscription_id}/test`);

    expect(status).toBe(200);
    expect(body).toEqual({ delivered: true, status: 204, error: null });
    const got = receiver.received[before];
    const content = new Webhook(secret).verify(got?.text ?? "", { ...got?.headers });
    expect(content).toMatchObject({ type: "test", data: {} });
    await forget(subscription_id);
  });

  test("never tells what the receiver said", async () => {
    const chatty = await startReceiver((response) => {
      response.writeHead(500, { "x-secret": "canary" }).end("canary");
    });
    const { subscription_id } = await subscribed(chatty.url);
    const { body } = await call("POST", `/${subscription_id}/test`);

    expect(body).toEqual({ delivered: false, status: 500, error: null });
    await chatty.close();
    const away = await call("POST", `/${subscription_id}/test`);
    expect(away.body).toMatchObject({ delivered: false, status: null });
    expect(away.body.error).toContain("ECONNREFUSED");
    await forget(subscription_id);
  });
});

test("deliveries are told page by page, the newest first, and can be sent again", async () => {
  const { subscription_id } = await subscribed();
  const lanes = laneStore(api.table);
  const project_id = api.cloud.world.projects.find(({ name }) => name === "alpha")?.id ?? "";
  const to = { kind: "webhook", receiver_id: subscription_id, url: receiver.url } as const;
  for (let n = 0; n < 5; n++) {
    const delivery = newDelivery(aProjectEvent(n, { project_id }), to, `msg_${n}`);
    await lanes.append(delivery, NOW);
    const answer = { kind: "answered", status: n === 3 ? 410 : 200 } as const;
    if (n < 4) await lanes.settle(delivery, settled(delivery, answer, NOW));
  }
  const first = await call("GET", `/${subscription_id}/deliveries?limit=2`);
  expect(first.body.deliveries).toMatchObject([
    { message_id: "msg_4", state: "pending", next_at: later(NOW, 4) },
    { message_id: "msg_3", state: "failed", last_status: 410, next_at: null },
  ]);
  const cursor = first.body.next_cursor;
  const second = await call("GET", `/${subscription_id}/deliveries?limit=2&cursor=${cursor}`);
  expect(second.body.deliveries.map((one: { message_id: string }) => one.message_id)).toEqual([
    "msg_2",
    "msg_1",
  ]);

  const replay = await call("POST", `/${subscription_id}/replay`, { since: later(NOW, 2) });
  expect(replay.status).toBe(202);
  expect(replay.body).toEqual({ replayed: 2, next_cursor: null });
  const { body } = await call("GET", `/${subscription_id}/deliveries`);
  const states = body.deliveries.map((one: { state: string }) => one.state);
  expect(states).toEqual(["pending", "pending", "pending", "delivered", "delivered"]);
  const lane = { receiver_id: subscription_id, session_id: "session-1" };
  expect(await lanes.due(later(NOW, 86_400), 10)).toMatchObject([lane]);
  await forget(subscription_id);
});

/** Loopback is allowed here; nothing else that is not public is. */
const FORBIDDEN = [
  // Not web addresses, or not in the one way that all parsers read alike.
  "ftp://receiver.example/",
  "file:///etc/passwd",
  "gopher://receiver.example/",
  "javascript:alert(1)",
  "receiver.example/path",
  "//receiver.example/path",
  "http:/receiver.example",
  "http:\\\\receiver.example",
  "https://user@receiver.example/",
  "https://user:password@receiver.example/",
  "https://receiver.example@169.254.169.254/",
  "https://169.254.169.254#@receiver.example/",
  "https://receiver.example\\@169.254.169.254/",
  "https://receiver.example /",
  "https://receiver.example/\nhost: 169.254.169.254",
  // 169.254.169.254, spelt otherwise.
  "http://2852039166/",
  "http://0xa9fea9fe/",
  "http://0xa9.0xfe.0xa9.0xfe/",
  "http://0251.0376.0251.0376/",
  "http://169.254.43518/",
  "http://169.16689662/",
  "http://%31%36%39.254.169.254/",
  "http://①⑥⑨.254.169.254/",
  "http://169。254。169。254/",
  "http://169.254.169.254./",
  // 127.0.0.1 and 10.0.0.1, spelt otherwise.
  "http://2130706433/",
  "http://0x7f000001/",
  "http://017700000001/",
  "http://127.1/",
  "http://0x7f.1/",
  "https://167772161/",
  "https://012.0.0.1/",
  // Metadata services.
  "http://169.254.169.254/latest/meta-data/",
  "https://169.254.169.254/openstack/latest/meta_data.json",
  "https://169.254.170.2/v2/credentials",
  "https://[fd00:ec2::254]/latest/",
  "https://[fd20:ce::254]/",
  "https://100.100.100.200/latest/",
  "https://168.63.129.16/",
  "https://192.0.0.192/",
  // Unspecified, private, shared, reserved, documentation, benchmark, multicast, broadcast.
  "https://0.0.0.0/",
  "https://0.1.2.3/",
  "https://10.0.0.1/",
  "https://172.16.0.1/",
  "https://172.31.255.254/",
  "https://192.168.1.1/",
  "https://100.64.0.1/",
  "https://192.0.2.1/",
  "https://198.18.0.1/",
  "https://198.51.100.1/",
  "https://203.0.113.1/",
  "https://224.0.0.1/",
  "https://239.255.255.250/",
  "https://240.0.0.1/",
  "https://255.255.255.255/",
  // IPv6: self, unspecified, link-local with and without a zone, unique local, multicast.
  "https://[::1]/",
  "https://[::]/",
  "https://[fe80::1]/",
  "https://[fe80::1%25eth0]/",
  "https://[fc00::1]/",
  "https://[fd12:3456:789a::1]/",
  "https://[ff02::1]/",
  "https://[2001:db8::1]/",
  // IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo.
  "https://[::ffff:169.254.169.254]/",
  "https://[::ffff:a9fe:a9fe]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:10.0.0.1]/",
  "https://[::127.0.0.1]/",
  "https://[64:ff9b::169.254.169.254]/",
  "https://[64:ff9b:1::10.0.0.1]/",
  "https://[2002:a9fe:a9fe::]/",
  "https://[2002:7f00:1::]/",
  "https://[2001:0:7f00:1::]/",
  // Ourselves, though loopback is allowed.
  `http://127.0.0.1:${OWN_PORT}/v1/hosts`,
  `http://127.0.0.2:${OWN_PORT}/v1/hosts`,
  `http://localhost:${OWN_PORT}/v1/hosts`,
  // Plain http to the whole world, and names that nobody has.
  "http://8.8.8.8/",
  "http://[2606:4700::1111]/",
  "https://receiver.invalid/",
];

test.each(FORBIDDEN)("nothing is sent to %s", async (url) => {
  const { status, body } = await call("POST", "", { url });

  expect({ status, errors: body.errors }).toEqual({
    status: 422,
    errors: [{ path: "url", code: "url_refused", message: expect.any(String) }],
  });
});

test("nothing is sent to AWS's services where they are our own", async () => {
  const { status } = await call("POST", "", { url: process.env["AWS_ENDPOINT_URL"] });
  expect(status).toBe(422);
});
