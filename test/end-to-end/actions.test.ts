import { afterAll, beforeAll, expect, test } from "vitest";
import { releaseHost } from "../../lib/client/maintenance.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { quickCloud } from "./quick-cloud.ts";
import { report, startReceiver } from "./receiver.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({
  cloud: quickCloud({ hosts: 6, instances: 12 }),
  settings: { LULL_EGRESS_ALLOW: "127.0.0.1/32" },
});

let receiver: Awaited<ReturnType<typeof startReceiver>>;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

const orderFor = (sessionId: string) =>
  waitFor(
    "the order to arrive",
    () => receiver.orders.find(({ session_id }) => session_id === sessionId),
    60_000,
  );

const isWorkedOn =
  (host: string) =>
  ({ hosts }: { hosts: { hostname: string; phase: string }[] }) =>
    hosts.some(({ hostname, phase }) => hostname === host && phase === "IN_MAINTENANCE");

test(
  "a webhook is told to work on the empty host, and its callback ends the work",
  onStage(async ({ open, ended, when }) => {
    const id = await open({
      hosts: ["cmp-01"],
      actions: [{ plugin: "webhook", metadata: { url: receiver.url, playbook: "kernel.yml" } }],
    });
    const order = await orderFor(id);
    expect(order).toMatchObject({ host: "cmp-01", metadata: { playbook: "kernel.yml" } });

    expect(await report(order, "not-the-secret", { state: "DONE" })).toBe(404);
    expect(await report(order, "", { state: "DONE" })).toBe(404);
    const { detail } = await when(id, "the work to be under way", isWorkedOn("cmp-01"));
    expect(detail.session.state).not.toBe("MAINTENANCE_DONE");

    expect(await report(order, order.callback_token, { state: "DONE", details: "6.12" })).toBe(200);
    expect(await report(order, order.callback_token, { state: "FAILED" })).toBe(409);
    expect((await ended(id)).detail.session.state).toBe("MAINTENANCE_DONE");
    expect(receiver.orders.filter(({ session_id }) => session_id === id)).toHaveLength(1);
  }),
);

test(
  "a host whose work failed stays out of service for a human, and the session says so",
  onStage(async ({ open, ended, simulator }) => {
    const id = await open({
      hosts: ["cmp-02"],
      actions: [{ plugin: "webhook", metadata: { url: receiver.url } }],
    });
    const order = await orderFor(id);
    const said = { state: "FAILED", details: "the BIOS did not like it" };
    expect(await report(order, order.callback_token, said)).toBe(200);

    const { detail } = await ended(id);
    expect(detail.session.state).toBe("MAINTENANCE_FAILED");
    expect(detail.hosts).toMatchObject([{ hostname: "cmp-02", outcome: "failed" }]);
    expect(detail.attention).toMatchObject([{ code: "host_failed", host: "cmp-02" }]);
    expect(detail.attention[0]?.message).toContain("the BIOS did not like it");
    expect(simulator.world.hosts.get("cmp-02")).toMatchObject({ status: "disabled" });
  }),
);

test(
  "a held host is held until an admin releases it",
  onStage(async ({ open, ended, when, api }) => {
    const id = await open({ hosts: ["cmp-03"], actions: [{ plugin: "hold", metadata: {} }] });
    await when(id, "the host to be held", isWorkedOn("cmp-03"));
    await waitFor(
      "the release to be taken",
      () =>
        releaseHost(api, id, "cmp-03").then(
          () => true,
          () => undefined,
        ),
      60_000,
    );
    const { detail } = await ended(id);
    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    await expect(releaseHost(api, id, "cmp-03")).rejects.toMatchObject({ status: 409 });
  }),
);

test(
  "a hold with a time ends by itself",
  onStage(async ({ open, ended }) => {
    const id = await open({
      hosts: ["cmp-04"],
      actions: [{ plugin: "hold", metadata: { seconds: 10 } }],
    });
    const { detail, events } = await ended(id);
    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    const told = (state: string) =>
      Date.parse(
        events.find(({ type, detail }) => type === "maintenance.host" && detail["state"] === state)
          ?.at ?? "",
      );
    expect(told("MAINTENANCE_COMPLETE") - told("IN_MAINTENANCE")).toBeGreaterThanOrEqual(10_000);
  }),
);
