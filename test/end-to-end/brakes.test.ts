import { afterAll, beforeAll, expect, test } from "vitest";
import {
  abortMaintenance,
  getMaintenanceDetail,
  resumeMaintenance,
} from "../../lib/client/maintenance.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { quickCloud } from "./quick-cloud.ts";
import { report, startReceiver } from "./receiver.ts";
import { theStage } from "./stage.ts";

/** Odd hosts are in az1, even ones in az2. */
const cloud = quickCloud({ hosts: 6, instances: 12, zones: ["az1", "az2"], spread: 0 });
const AZ1 = ["cmp-01", "cmp-03", "cmp-05"];

const onStage = theStage({ cloud, settings: { LULL_EGRESS_ALLOW: "127.0.0.0/8" } });

type Hosts = readonly {
  readonly hostname: string;
  readonly started_at?: string | null | undefined;
  readonly finished_at?: string | null | undefined;
}[];

/** How many of these hosts were at work at once, at most. */
const mostAtOnce = (hosts: Hosts): number =>
  Math.max(
    ...hosts.map(
      (one) =>
        hosts.filter(
          (other) =>
            (other.started_at ?? "") <= (one.started_at ?? "") &&
            (one.started_at ?? "") < (other.finished_at ?? ""),
        ).length,
    ),
  );

const inZone = (hosts: Hosts, zone: "az1" | "az2") =>
  hosts.filter(({ hostname }) => AZ1.includes(hostname) === (zone === "az1"));

test(
  "hosts of one model go one at a time until the first bears an instance and has soaked",
  onStage(async ({ open, ended, when }) => {
    const id = await open({
      hosts: ["cmp-01", "cmp-02", "cmp-03", "cmp-04", "cmp-05"],
      max_parallel_hosts: 5,
      canary: true,
      soak_minutes: 1,
      reserve_hosts: 0,
    });
    const held = await when(id, "the session to say what it waits for", ({ attention }) =>
      attention.some(({ code }) => code === "canary"),
    );
    expect(held.detail.hosts.filter(({ phase }) => phase !== "WAITING")).toHaveLength(1);
    const { detail } = await ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(detail.attention).toEqual([]);
    const proven = detail.instances
      .filter(({ destination_host, finished_at }) =>
        detail.hosts.some(
          (host) =>
            host.hostname === destination_host && (host.finished_at ?? "") < (finished_at ?? ""),
        ),
      )
      .map(({ finished_at }) => Date.parse(finished_at ?? ""));
    const soaked = new Date(Math.min(...proven) + 60_000).toISOString();
    const before = detail.hosts.filter(({ started_at }) => (started_at ?? "") < soaked);
    expect(mostAtOnce(before)).toBe(1);
  }),
);

test(
  "no more hosts of a zone are out of service at once than the session allows",
  onStage(async ({ open, ended }) => {
    const id = await open({
      hosts: ["cmp-01", "cmp-02", "cmp-03", "cmp-04"],
      max_parallel_hosts: 4,
      max_parallel_per: { zone: 1 },
    });
    const { detail } = await ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(mostAtOnce(inZone(detail.hosts, "az1"))).toBe(1);
    expect(mostAtOnce(inZone(detail.hosts, "az2"))).toBe(1);
    expect(mostAtOnce(detail.hosts)).toBe(2);
  }),
);

test(
  "a zone keeps its reserve: its hosts go as far as there is room for, however many may",
  onStage(async ({ open, ended, when }) => {
    const id = await open({ hosts: AZ1, max_parallel_hosts: 3, reserve_hosts: 1 });
    const held = await when(id, "the session to say what it lacks", ({ attention }) =>
      attention.some(({ code }) => code === "below_reserve"),
    );
    expect(held.detail.attention.find(({ code }) => code === "below_reserve")?.message).toMatch(
      /^zone az1: \d+ GiB of memory and \d+ VCPU more would have to be free/,
    );
    const { detail } = await ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(mostAtOnce(detail.hosts)).toBe(1);
  }),
);

test(
  "a session whose reserve is in none of its zones waits, says so, and ends when it is aborted",
  onStage(async ({ open, ended, when, api }) => {
    const id = await open({ hosts: ["cmp-01", "cmp-02"], reserve_hosts: 3 });
    const held = await when(id, "the session to say what it lacks", ({ attention }) =>
      attention.some(({ code }) => code === "below_reserve"),
    );
    expect(held.detail.hosts.map(({ phase }) => phase)).toEqual(["WAITING", "WAITING"]);
    const short = held.detail.attention.map(({ message }) => message.split(":")[0]);
    expect(short).toEqual(["zone az1", "zone az2"]);
    await abortMaintenance(api, id, "too full");

    const { detail } = await ended(id);
    expect(detail.hosts.map(({ started_at }) => started_at)).toEqual([null, null]);
  }),
);

test(
  "the next hosts are disabled early, and are worked on in their turn",
  onStage(async ({ open, ended, when, simulator }) => {
    const from = simulator.world.history.length;
    const id = await open({ hosts: AZ1, cordon_ahead: 1 });
    await when(id, "the second host to be cordoned", ({ hosts }) => hosts[1]?.phase === "CORDONED");
    const { detail } = await ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(mostAtOnce(detail.hosts)).toBe(1);
    let out = 0;
    const counts = simulator.world.history.slice(from).flatMap(({ kind, field, after }) => {
      if (kind !== "host" || field !== "status") return [];
      out += after === "disabled" ? 1 : -1;
      return [out];
    });
    expect(Math.max(...counts)).toBe(2);
    expect(out).toBe(0);
  }),
);

/** Once the first host is done, a second one no longer fits into the window. */
const LONG_WORK = [{ plugin: "hold", metadata: { seconds: 70 } }];

test(
  "what does not end in one window waits for the next",
  onStage(async ({ open, ended, when, clock, api }) => {
    const now = clock.now();
    const at = (seconds: number) => new Date(now + seconds * 1_000).toISOString();
    const id = await open({
      hosts: ["cmp-02", "cmp-04"],
      actions: LONG_WORK,
      ends_at: at(120),
      host_minutes: 1,
      next_windows: [{ starts_at: at(130), ends_at: at(3_600) }],
    });
    await when(id, "the session to say when it goes on", ({ attention }) =>
      attention.some(({ code }) => code === "window_over"),
    );
    const { attention } = await getMaintenanceDetail(api, id);
    const over = attention.find(({ code }) => code === "window_over");
    expect(over?.what_happens_next).toBe(`it goes on at ${at(130)}`);
    const { detail } = await ended(id);

    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(detail.attention).toEqual([]);
    const [first, second] = detail.hosts;
    expect((first?.started_at ?? "") < at(120)).toBe(true);
    expect((second?.started_at ?? "") >= at(130)).toBe(true);
  }),
);

test(
  "hosts that do not end in the last window are not touched",
  onStage(async ({ open, ended, clock, api }) => {
    const id = await open({
      hosts: ["cmp-02", "cmp-04"],
      actions: LONG_WORK,
      ends_at: new Date(clock.now() + 120_000).toISOString(),
      host_minutes: 1,
    });
    const { detail } = await ended(id);

    expect((await getMaintenanceDetail(api, id)).result).toBe("partial");
    expect(detail.hosts.map(({ outcome }) => outcome)).toEqual(["maintained", null]);
    expect(detail.attention.map(({ code }) => code)).toEqual(["window_over"]);
  }),
);

let receiver: Awaited<ReturnType<typeof startReceiver>>;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

test(
  "a session stops itself at the second host that failed, and goes on when somebody resumes it",
  onStage(async ({ open, ended, when, api, simulator }) => {
    const hosts = ["cmp-01", "cmp-02", "cmp-03"];
    const id = await open({
      hosts,
      actions: [{ plugin: "webhook", metadata: { url: receiver.url } }],
    });
    /** Ends the work on the next host, and says which one it was. */
    const finish = async (number: number, state: "DONE" | "FAILED") => {
      const order = await waitFor(
        `the order to work on host ${number} of 3`,
        () => receiver.orders.filter((one) => one.session_id === id)[number - 1],
        60_000,
      );
      expect(await report(order, order.callback_token, { state })).toBe(200);
      return order.host;
    };
    const failed = [await finish(1, "FAILED"), await finish(2, "FAILED")].toSorted();
    const { detail: stopped } = await when(id, "the breaker", ({ attention }) =>
      attention.some(({ code }) => code === "breaker"),
    );
    expect(stopped.attention.find(({ code }) => code === "breaker")?.message).toContain(
      `2 hosts have failed: ${failed.join(", ")}`,
    );
    const left = stopped.hosts.filter(({ phase }) => phase === "WAITING");
    expect(left.map(({ hostname }) => hostname)).toEqual(
      hosts.filter((host) => !failed.includes(host)),
    );

    await resumeMaintenance(api, id);
    const last = await finish(3, "DONE");
    const { detail } = await ended(id);
    expect((await getMaintenanceDetail(api, id)).result).toBe("partial");
    expect(
      Object.fromEntries(detail.hosts.map(({ hostname, outcome }) => [hostname, outcome])),
    ).toEqual({
      ...Object.fromEntries(failed.map((host) => [host, "failed"])),
      [last]: "maintained",
    });
    expect(simulator.world.hosts.get(last)).toMatchObject({ status: "enabled" });
  }),
);
