import { describe, expect, test } from "vitest";
import type { Story } from "../../localstack/openstack/invariants/story.ts";
import { violationsIn } from "../../localstack/openstack/invariants.ts";
import {
  at,
  call,
  changeOf,
  disable,
  enable,
  goodStory,
  host,
  hostEvent,
  instance,
  instant,
  MARK,
  migrateCall,
  migration,
  retold,
  SESSION,
  serviceCall,
  withAfter,
  withCalls,
  withChanges,
} from "./stories.ts";

const instanceChange = changeOf("instance");
const hostChange = changeOf("host");
const migrationChange = changeOf("migration");

/** The invariants that the checker says are broken. */
const broken = (story: Story): string[] => [
  ...new Set(violationsIn(story).map((words) => words.split(":")[0] ?? "")),
];

test("a maintenance as it should be breaks nothing", () => {
  expect(violationsIn(goodStory)).toEqual([]);
});

describe("1: no instance comes to harm", () => {
  const ending = (patch: Parameters<typeof instance>[1]) =>
    violationsIn(
      withAfter(goodStory, { instances: [instance("web", { host: "cmp-02", ...patch })] }),
    );

  test.each(["stopped", "paused", "error", "deleted"])("one that ends %s is found", (vm_state) => {
    expect(ending({ vm_state })).toEqual([
      `invariant 1: instance web was active and is ${vm_state}`,
    ]);
  });

  test("one that is stuck in a task is found", () => {
    expect(ending({ task_state: "migrating" })).toEqual([
      "invariant 1: instance web is left with task_state migrating",
    ]);
  });

  test("one that is gone is found", () => {
    expect(violationsIn(withAfter(goodStory, { instances: [] }))[0]).toBe(
      "invariant 1: instance web is gone",
    );
  });

  test("one that was paused for a moment is found", () => {
    const story = withChanges(
      goodStory,
      instanceChange(15, "id-web", "vm_state", "active", "paused"),
      instanceChange(16, "id-web", "vm_state", "paused", "active"),
    );
    expect(violationsIn(story)).toEqual([
      "invariant 1: instance web went from active to paused at 00:00:15.000",
      "invariant 1: instance web went from paused to active at 00:00:16.000",
    ]);
  });

  test.each([
    ["a stop", { path: "/servers/id-web/action", body: { "os-stop": null } }],
    ["a reboot", { path: "/servers/id-web/action", body: { reboot: { type: "HARD" } } }],
    ["a cold move", { path: "/servers/id-web/action", body: { migrate: null } }],
    ["a deletion", { method: "DELETE", path: "/servers/id-web" }],
    [
      "a forced move",
      { path: "/servers/id-web/migrations/1/action", body: { force_complete: null } },
    ],
  ])("%s that was asked for is found", (_, asked) => {
    expect(broken(withCalls(goodStory, call(15, asked)))).toContain("invariant 1");
  });

  test("one that is built meanwhile has come to no harm", () => {
    const story = withChanges(
      goodStory,
      instanceChange(1, "id-web", "vm_state", "building", "active"),
    );
    const before = { ...story.before, instances: [instance("web", { vm_state: "building" })] };

    expect(violationsIn({ ...story, before })).toEqual([]);
  });

  test("an aborted move is no harm", () => {
    const abort = call(15, { method: "DELETE", path: "/servers/id-web/migrations/1" });
    expect(violationsIn(withCalls(goodStory, abort))).toEqual([]);
  });

  describe("by a move that is forced", () => {
    const force = (seconds: number, id = 1) =>
      call(seconds, {
        path: `/servers/id-web/migrations/${id}/action`,
        body: { force_complete: null },
      });
    const said = { at: at(9), instance_id: "id-web", action: "max_interruption_time" };
    const story = (calls: readonly ReturnType<typeof force>[], allowed: boolean): Story => {
      const forced = withCalls(goodStory, ...calls);
      const sessions = forced.sessions.map(({ detail, ...one }) => ({
        ...one,
        detail: { ...detail, session: { ...detail.session, force_complete: allowed } },
      }));
      return { ...forced, sessions, permissions: [said] };
    };

    test("in a session that allows it, once its owner has said how long it bears", () => {
      expect(violationsIn(story([force(15)], true))).toEqual([]);
    });

    test.each([
      ["in a session that does not allow it", story([force(15)], false)],
      ["whose owner has said nothing", { ...story([force(15)], true), permissions: [] }],
      ["before its owner has said anything", story([force(8)], true)],
      ["twice", story([force(15), force(16)], true)],
      [
        "by the word of another instance's owner",
        { ...story([force(15)], true), permissions: [{ ...said, instance_id: "id-db" }] },
      ],
    ])("%s is found", (_, broke) => {
      expect(broken(broke)).toEqual(["invariant 1"]);
    });
  });

  const metadata = (key: string, patch: object = {}) =>
    call(15, { method: "PUT", path: `/servers/id-web/metadata/${key}`, status: 200, ...patch });

  test("a status link that is written and taken away is no harm", () => {
    const key = "maintenance%3Astatus_url";
    const calls = [metadata(key), metadata(key, { method: "DELETE" })];

    expect(violationsIn(withCalls(goodStory, ...calls))).toEqual([]);
  });

  test.each(["role", "maintenance%3Aaction"])("a write to other metadata, %s, is found", (key) => {
    expect(broken(withCalls(goodStory, metadata(key)))).toEqual(["invariant 1"]);
  });

  test("metadata that names a host is found", () => {
    const body = { meta: { "maintenance:status_url": "https://lull.example/status/cmp-01" } };
    const story = withCalls(goodStory, metadata("maintenance%3Astatus_url", { body }));

    expect(broken(story)).toEqual(["invariant 8"]);
  });

  describe("but for what its owner agreed to", () => {
    const state = (seconds: number, before: string, after: string) =>
      instanceChange(seconds, "id-web", "vm_state", before, after);
    const action = (seconds: number, body: unknown) =>
      call(seconds, { path: "/servers/id-web/action", body });
    /** `web` is moved cold while it runs. */
    const cold: Story = {
      ...withChanges(goodStory, state(17, "active", "resized"), state(19, "resized", "active")),
      journal: [
        disable(5),
        action(10, { migrate: { host: "cmp-02" } }),
        action(18, { confirmResize: null }),
        enable(60),
      ],
    };
    const agreed = (seconds: number, word = "MIGRATE") => ({
      ...cold,
      permissions: [{ at: at(seconds), instance_id: "id-web", action: word }],
    });

    test("a cold move that its owner agreed to before is no harm", () => {
      expect(violationsIn(agreed(9))).toEqual([]);
    });

    test.each([
      ["nobody agreed to", cold],
      ["its owner agreed to too late", agreed(11)],
      ["its owner agreed to live only", agreed(9, "LIVE_MIGRATE")],
    ])("a cold move that %s is found", (_, story) => {
      expect(broken(story)).toEqual(["invariant 1"]);
    });

    const deletion = { method: "DELETE", path: "/servers/id-web" };
    const gone = withChanges(
      withAfter(goodStory, { instances: [instance("web", { host: null, vm_state: "deleted" })] }),
      state(70, "active", "deleted"),
    );

    test("what its owner deletes is its own business, and what somebody else deletes is found", () => {
      const by = (project_id: string) =>
        broken(withCalls(gone, call(70, { ...deletion, project_id })));

      expect(by("alpha")).toEqual([]);
      expect(by("admin")).toEqual(["invariant 1"]);
    });
  });

  describe("but for what its policy allows", () => {
    const other = (vm_state: string, host: string | null = "cmp-01") =>
      instance("other", { vm_state, host });
    const action = (seconds: number, body: unknown) =>
      call(seconds, { path: "/servers/id-other/action", body });
    const state = (seconds: number, before: string, after: string) =>
      instanceChange(seconds, "id-other", "vm_state", before, after);
    const allowing = (story: Story, policies: Record<string, string>) =>
      retold(story, ({ detail }) => ({
        detail: { ...detail, session: { ...detail.session, policies } },
      }));
    const beside = (was: ReturnType<typeof instance>, is: ReturnType<typeof instance>): Story => ({
      ...goodStory,
      before: { ...goodStory.before, instances: [...goodStory.before.instances, was] },
      after: { ...goodStory.after, instances: [...goodStory.after.instances, is] },
    });

    const coldRow = migration({
      id: 2,
      instance_id: "id-other",
      type: "migration",
      status: "confirmed",
    });
    const cold = withCalls(
      withChanges(
        withAfter(beside(other("stopped"), other("stopped", "cmp-02")), {
          migrations: [migration(), coldRow],
        }),
        state(13, "stopped", "resized"),
        instanceChange(13, "id-other", "host", "cmp-01", "cmp-02"),
        migrationChange(13, "2", "status", "migrating", "finished"),
        state(15, "resized", "stopped"),
        migrationChange(15, "2", "status", "finished", "confirmed"),
      ),
      action(12, { migrate: { host: "cmp-02" } }),
      action(14, { confirmResize: null }),
    );

    test("one that is shut off is moved cold", () => {
      expect(violationsIn(allowing(cold, { shutoff: "migrate" }))).toEqual([]);
      expect(broken(allowing(cold, { shutoff: "block" }))).toEqual(["invariant 1"]);
    });

    test("one that runs by then is not", () => {
      const started = withChanges(cold, state(11, "stopped", "active"));

      expect(broken(allowing(started, { shutoff: "migrate" }))).toEqual(["invariant 1"]);
    });

    test("one that is shelved is offloaded", () => {
      const offloaded = withCalls(
        withChanges(
          beside(other("shelved"), other("shelved_offloaded", null)),
          state(13, "shelved", "shelved_offloaded"),
          instanceChange(13, "id-other", "host", "cmp-01", null),
        ),
        action(12, { shelveOffload: null }),
      );

      expect(violationsIn(allowing(offloaded, { shelved: "offload" }))).toEqual([]);
      expect(broken(allowing(offloaded, { shelved: "block" }))).toEqual(["invariant 1"]);
    });

    const paused = withCalls(
      withChanges(
        beside(other("active"), other("active")),
        state(13, "active", "stopped"),
        state(59, "stopped", "active"),
      ),
      action(12, { "os-stop": null }),
      action(58, { "os-start": null }),
    );

    test("one that is bound to its host is stopped there, and started after the work", () => {
      expect(violationsIn(allowing(paused, { device_bound: "stop_start" }))).toEqual([]);
      expect(broken(allowing(paused, { device_bound: "block" }))).toEqual([
        "invariant 1",
        "invariant 2",
      ]);
    });

    test("one that is stopped and not started again is found", () => {
      const story = withAfter(paused, {
        instances: [...goodStory.after.instances, other("stopped")],
      });

      expect(broken(allowing(story, { device_bound: "stop_start" }))).toEqual(["invariant 1"]);
    });

    test.each([
      ["stopped", { shutoff: "stay" }, { shutoff: "migrate" }],
      ["error", { error: "stay" }, { error: "block" }],
    ])("one that is %s stays on its host during the work", (vm_state, allowed, forbidden) => {
      const story = beside(other(vm_state), other(vm_state));

      expect(violationsIn(allowing(story, allowed))).toEqual([]);
      expect(broken(allowing(story, forbidden))).toEqual(["invariant 2"]);
    });

    test("one that runs does not stay, whatever is allowed", () => {
      const policies = { shutoff: "stay", error: "stay", device_bound: "stop_start" };

      expect(broken(allowing(beside(other("active"), other("active")), policies))).toEqual([
        "invariant 2",
      ]);
    });
  });
});

describe("2: host work only on an empty host", () => {
  const workFrom = (seconds: number) =>
    retold(goodStory, ({ events }) => ({
      events: [
        hostEvent(seconds, "IN_MAINTENANCE"),
        ...events.filter(({ detail }) => detail["state"] !== "IN_MAINTENANCE"),
      ],
    }));

  test("work before the last instance has left is found", () => {
    expect(violationsIn(workFrom(15))).toContain(
      "invariant 2: cmp-01 was worked on at 00:00:15.000 while instance web was on it",
    );
  });

  test("work while a migration is still being settled is found", () => {
    expect(violationsIn(workFrom(19))).toEqual([
      "invariant 2: cmp-01 was worked on at 00:00:19.000 while its migration 1 was running",
    ]);
  });

  test("work on a host that still takes instances is found", () => {
    expect(violationsIn(workFrom(2))).toEqual([
      "invariant 2: cmp-01 was worked on at 00:00:02.000 while it was enabled",
    ]);
  });

  test("an instance that comes during the work is found", () => {
    const story = withAfter(goodStory, {
      instances: [
        ...goodStory.after.instances,
        instance("late", { host: "cmp-01", created_at: at(45) }),
      ],
    });
    expect(violationsIn(story)).toEqual([
      "invariant 2: cmp-01 was worked on at 00:00:45.000 while instance late was on it",
    ]);
  });

  test("an instance that comes once the host takes instances again is welcome", () => {
    const story = withAfter(goodStory, {
      instances: [
        ...goodStory.after.instances,
        instance("late", { host: "cmp-01", created_at: at(60) + 1 }),
      ],
    });
    expect(violationsIn(story)).toEqual([]);
  });
});

describe("3: nothing is done twice or without a reason", () => {
  test("a request that was accepted twice is found", () => {
    expect(violationsIn(withCalls(goodStory, migrateCall(11, { requestId: "req-10" })))).toContain(
      "invariant 3: a move of web at 00:00:11.000 was accepted under req-10 for a second time",
    );
  });

  test("a move without a request id is found", () => {
    const story = {
      ...goodStory,
      journal: [disable(5), migrateCall(10, { requestId: null }), enable(60)],
    };
    expect(violationsIn(story)).toEqual([
      "invariant 3: a move of web at 00:00:10.000 carries no request id",
    ]);
  });

  test("a second move before the first has ended is found", () => {
    expect(violationsIn(withCalls(goodStory, migrateCall(19)))).toContain(
      "invariant 3: web was asked to move at 00:00:10.000 and again at 00:00:19.000, before the first move had ended",
    );
  });

  test("a move away from a host that nobody had taken out of service is found", () => {
    expect(violationsIn(withCalls(goodStory, migrateCall(80)))).toContain(
      "invariant 3: web was moved away from cmp-02 at 00:01:20.000, which no session had disabled",
    );
  });

  test("a second move after a failed one is fine", () => {
    const story = withAfter(
      withCalls(
        withChanges(goodStory, migrationChange(9, "7", "status", "running", "failed")),
        migrateCall(7),
      ),
      {
        migrations: [
          migration({ id: 7, dest: "cmp-03", status: "failed", created_at: at(8) }),
          migration({ id: 8 }),
        ],
      },
    );
    const renumbered = {
      ...story,
      history: story.history.map((change) => ({
        ...change,
        id: change.kind === "migration" && change.id === "1" ? "8" : change.id,
      })),
    };
    expect(violationsIn(renumbered)).toEqual([]);
  });

  test("a service disabled for no session is found", () => {
    const story = {
      ...goodStory,
      journal: [disable(5, "lull:other"), migrateCall(10), enable(60)],
    };
    expect(violationsIn(story)).toEqual([
      `invariant 3: cmp-01 was set to {"status":"disabled","disabled_reason":"lull:other"} at 00:00:05.000 for no session that holds it`,
    ]);
  });

  test("a session that touches a host it does not hold is found", () => {
    const stranger = serviceCall(7, "cmp-02", { status: "disabled", disabled_reason: MARK });
    expect(broken(withCalls(goodStory, stranger))).toEqual(["invariant 3"]);
  });

  test("an enabled service that nobody had disabled is found", () => {
    const story = withCalls(goodStory, serviceCall(7, "cmp-02", { status: "enabled" }));
    expect(violationsIn(story)).toEqual([
      `invariant 3: cmp-02 was set to {"status":"enabled"} at 00:00:07.000 although no session had disabled it`,
    ]);
  });

  test("a service forced down is found", () => {
    expect(broken(withCalls(goodStory, serviceCall(7, "cmp-01", { forced_down: true })))).toEqual([
      "invariant 3",
    ]);
  });

  test("a repeated request that changes a service once more to the same is fine", () => {
    const again = { ...enable(61), requestId: "req-60" };
    expect(violationsIn(withCalls(goodStory, again))).toEqual([]);
  });
});

describe("4: capacity and anti-affinity hold at each instant", () => {
  const story = (patch: Parameters<typeof host>[1]): Story => ({
    ...goodStory,
    before: { ...goodStory.before, hosts: [host("cmp-01"), host("cmp-02", patch)] },
    after: { ...goodStory.after, hosts: [host("cmp-01"), host("cmp-02", patch)] },
  });

  test.each([
    [{ vcpus: 0 }, "1 VCPU of 0"],
    [{ memory_mb: 1_023 }, "512 MEMORY_MB of 511"],
    [{ disk_gb: 0 }, "1 DISK_GB of 0"],
  ])("a target too small (%o) is found as soon as it is claimed", (patch, words) => {
    expect(violationsIn(story(patch))).toEqual([
      `invariant 4: cmp-02 held ${words} at 00:00:12.000`,
    ]);
  });

  test.each(["accepted", "pre-migrating"])(
    "a target too small that a move is only aimed at (%s) is not held",
    (status) => {
      const refused = {
        ...story({ vcpus: 1 }),
        after: {
          ...story({ vcpus: 1 }).after,
          instances: [instance("web", { host: "cmp-02" }), instance("more", { host: "cmp-01" })],
          migrations: [migration(), migration({ id: 2, instance_id: "id-more", status: "error" })],
        },
      };
      const held = withChanges(refused, migrationChange(13, "2", "status", status, "error"));
      expect(violationsIn(held).filter((words) => words.startsWith("invariant 4"))).toEqual([]);
    },
  );

  test("a host that was too full before is not blamed for it", () => {
    const full = { ...story({}), before: goodStory.before };
    const small = (hosts: typeof full.before.hosts) =>
      hosts.map((one) => (one.name === "cmp-01" ? { ...one, vcpus: 0 } : one));
    expect(
      violationsIn({
        ...full,
        before: { ...full.before, hosts: small(full.before.hosts) },
        after: { ...full.after, hosts: small(full.after.hosts) },
      }),
    ).toEqual([]);
  });

  const grouped = (policy: string, max_server_per_host?: number): Story => {
    const groups = [
      { id: "g", name: "spread", policy, ...(max_server_per_host && { max_server_per_host }) },
    ];
    const twin = instance("twin", { host: "cmp-02", group_id: "g" });
    const web = { group_id: "g" };
    return {
      ...goodStory,
      before: { ...goodStory.before, groups, instances: [instance("web", web), twin] },
      after: {
        ...goodStory.after,
        groups,
        instances: [instance("web", { ...web, host: "cmp-02" }), twin],
      },
    };
  };

  test("two members of an anti-affinity group on one host are found", () => {
    expect(violationsIn(grouped("anti-affinity"))).toEqual([
      "invariant 4: cmp-02 ran twin and web of anti-affinity group spread at 00:00:18.000",
    ]);
  });

  test("two members are fine where the group allows them, or only asks", () => {
    expect(violationsIn(grouped("anti-affinity", 2))).toEqual([]);
    expect(violationsIn(grouped("soft-anti-affinity"))).toEqual([]);
  });
});

describe("6: each service ends as it was", () => {
  const left = [host("cmp-01", { status: "disabled", disabled_reason: MARK }), host("cmp-02")];

  test("a host left out of service is found", () => {
    expect(violationsIn(withAfter(goodStory, { hosts: left }))).toEqual([
      `invariant 6: nova-compute on cmp-01 was enabled (no reason) and is disabled (${MARK})`,
    ]);
  });

  test("a reason that was lost is found", () => {
    const story = {
      ...goodStory,
      before: {
        ...goodStory.before,
        hosts: [host("cmp-01"), host("cmp-02", { status: "disabled", disabled_reason: "disk" })],
      },
      after: {
        ...goodStory.after,
        hosts: [host("cmp-01"), host("cmp-02", { status: "disabled" })],
      },
    };
    expect(violationsIn(story)).toEqual([
      "invariant 6: nova-compute on cmp-02 was disabled (disk) and is disabled (no reason)",
    ]);
  });

  test("a host left for a human may stay out, if the session says so", () => {
    const failed = retold(withAfter(goodStory, { hosts: left }), ({ detail }) => ({
      detail: {
        ...detail,
        hosts: detail.hosts.map((one) => ({ ...one, outcome: "failed" })),
        attention: [
          { code: "host_failed", host: "cmp-01", instance: null, message: "came back smaller" },
        ],
      },
    }));
    const silent = retold(failed, ({ detail }) => ({ detail: { ...detail, attention: [] } }));

    expect(violationsIn(failed)).toEqual([]);
    expect(broken(silent)).toEqual(["invariant 6"]);
  });
});

describe("8: no project learns of a host", () => {
  const notice = (entity: string, detail: Record<string, unknown>) =>
    retold(goodStory, ({ events }) => ({
      events: [
        ...events,
        {
          type: "maintenance.scheduled",
          entity,
          at: instant(7),
          detail: { project_id: "alpha", ...detail },
        },
      ],
    }));

  test("a host name anywhere in a notice is found", () => {
    const words = [`invariant 8: the notice of ${instant(7)} to project alpha names cmp-01`];
    expect(violationsIn(notice(SESSION, { metadata: { link: "http://x/status/cmp-01" } }))).toEqual(
      words,
    );
    expect(violationsIn(notice(`${SESSION}/cmp-01`, {}))).toEqual(words);
  });

  test("an instance of another project in a notice is found", () => {
    const story = notice(SESSION, { instance_ids: ["id-foreign"] });
    const foreign = instance("foreign", { project_id: "beta", host: "cmp-02" });
    expect(
      violationsIn({
        ...story,
        before: { ...story.before, instances: [...story.before.instances, foreign] },
        after: { ...story.after, instances: [...story.after.instances, foreign] },
      }),
    ).toEqual([
      `invariant 8: the notice of ${instant(7)} to project alpha names instance id-foreign of another project`,
    ]);
  });
});

describe("9: each move has its outcome", () => {
  test("a move that was accepted and never begun is found", () => {
    expect(violationsIn(withAfter(goodStory, { migrations: [] }))).toContain(
      "invariant 9: the move of web asked for at 00:00:10.000 was never begun",
    );
  });

  test("a move that has not ended is found", () => {
    const story = withAfter(goodStory, { migrations: [migration({ status: "running" })] });
    expect(violationsIn(story)).toContain(
      "invariant 9: the move of web asked for at 00:00:10.000 is still running",
    );
  });

  test("a migration that nobody asked for is found", () => {
    const story = withAfter(goodStory, {
      migrations: [migration(), migration({ id: 2, source: "cmp-02" })],
    });
    expect(violationsIn(story)).toEqual([
      "invariant 9: migration 2 away from cmp-02 was not asked for by a call",
    ]);
  });

  const telling = (patch: { state: string; destination_host?: string }) =>
    violationsIn(
      retold(goodStory, ({ detail }) => ({
        detail: { ...detail, instances: detail.instances.map((one) => ({ ...one, ...patch })) },
      })),
    );

  test("a session that ends with an instance on its way is found", () => {
    expect(telling({ state: "moving" })).toEqual([
      `invariant 9: session ${SESSION} says that web is still moving away from cmp-01`,
    ]);
  });

  test("a session that tells of a move that was not is found", () => {
    expect(telling({ state: "moved", destination_host: "cmp-09" })).toEqual([
      `invariant 9: session ${SESSION} says that web moved from cmp-01 to cmp-09, and no migration did that`,
    ]);
  });
});

test("what a host is changed to by hand during the maintenance is found", () => {
  const story = withChanges(goodStory, hostChange(70, "cmp-02", "status", "enabled", "disabled"));
  expect(
    broken(withAfter(story, { hosts: [host("cmp-01"), host("cmp-02", { status: "disabled" })] })),
  ).toEqual(["invariant 6"]);
});
