import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Evidence, notStaying, whyNotEmpty } from "../../lib/domain/empty.ts";

const empty: Evidence = {
  servers: [],
  partial: false,
  holdings: [],
  migrations: [],
  serviceStatus: "disabled",
  providers: 1,
};

type Seen = Evidence["servers"][number];
const server = (but: Partial<Seen> = {}): Seen => ({
  id: "instance-1",
  name: "web-1",
  status: "ACTIVE",
  taskState: null,
  powerState: 1,
  ...but,
});
const shutOff = (id: string) => server({ id, status: "SHUTOFF", powerState: 4 });
const heldBy = (consumer: string) => ({ consumer, provider: "provider-1" });

const migration = (status: string): Evidence["migrations"][number] => ({
  id: 7,
  uuid: "migration-uuid-7",
  instance_id: "instance-1",
  status,
  source: "cmp-01",
  target: "cmp-02",
});

test("a disabled host that nothing speaks against is empty", () => {
  expect(whyNotEmpty(empty, [])).toBeNull();
});

test("migrations that have ended speak against nothing", () => {
  const migrations = ["completed", "confirmed", "done", "error", "cancelled"].map(migration);

  expect(whyNotEmpty({ ...empty, migrations }, [])).toBeNull();
});

test.each<[string, Partial<Evidence>, string]>([
  ["Nova no longer knows it", { serviceStatus: null }, "nova-compute"],
  ["Placement no longer knows it", { providers: 0 }, "provider"],
  ["it may still be scheduled to", { serviceStatus: "enabled" }, "enabled"],
  ["a cell does not answer", { partial: true }, "cell"],
  ["a server is listed", { servers: [server()] }, "web-1 (instance-1), ACTIVE"],
  [
    "a server is only soft-deleted",
    { servers: [server({ status: "SOFT_DELETED", powerState: 4 })] },
    "SOFT_DELETED",
  ],
  ["a server is shut off", { servers: [shutOff("instance-1")] }, "SHUTOFF"],
  ["a migration runs", { migrations: [migration("running")] }, "migration 7"],
  ["a resize waits for its owner", { migrations: [migration("finished")] }, "resize confirm"],
  ["a migration is in a state nobody knows", { migrations: [migration("odd")] }, "odd"],
  ["Placement holds an allocation", { holdings: [heldBy("consumer-1")] }, "consumer-1"],
])("a host is not empty while %s, and the reason names it", (_, but, reason) => {
  expect(whyNotEmpty({ ...empty, ...but }, [])).toContain(reason);
});

describe("a leftover is named with its cause and its cure", () => {
  test("an allocation under the uuid of a migration that has ended", () => {
    const why = whyNotEmpty(
      { ...empty, migrations: [migration("error")], holdings: [heldBy("migration-uuid-7")] },
      [],
    );

    expect(why).toContain("migration 7");
    expect(why).toContain("instance-1");
    expect(why).toContain("openstack resource provider allocation delete migration-uuid-7");
  });

  test("an allocation nobody explains: what its consumer holds elsewhere is spared", () => {
    const why = whyNotEmpty({ ...empty, holdings: [heldBy("consumer-1")] }, []);

    expect(why).toContain("openstack server show consumer-1");
    expect(why).toContain("allocation unset --provider provider-1 consumer-1");
  });

  test("a migration that nobody works on any more", () => {
    const why = whyNotEmpty({ ...empty, migrations: [migration("running")] }, []);

    expect(why).toContain("restart nova-compute on cmp-01");
    expect(why).toContain("table migrations");
  });
});

describe("an instance that was told to stay", () => {
  const stays: Evidence = {
    ...empty,
    servers: [shutOff("instance-1"), server({ id: "instance-2", status: "ERROR", powerState: 0 })],
    holdings: [heldBy("instance-1"), heldBy("instance-2")],
  };
  const staying = ["instance-1", "instance-2"];

  test("does not keep the host from being empty, nor does what it holds, while it rests", () => {
    expect(whyNotEmpty(stays, staying)).toBeNull();
  });

  test("keeps it when nobody told it to stay", () => {
    expect(whyNotEmpty(stays, ["instance-1"])).toContain("instance-2");
  });

  test.each<[string, Partial<Seen>]>([
    ["is started again", { status: "ACTIVE", powerState: 1 }],
    ["is being started", { taskState: "powering-on" }],
    ["runs although Nova says that it is shut off", { powerState: 1 }],
    ["is soft-deleted meanwhile", { status: "SOFT_DELETED" }],
    ["waits for a confirmation", { status: "VERIFY_RESIZE" }],
    ["is shelved meanwhile", { status: "SHELVED" }],
  ])("keeps it when it %s", (_, but) => {
    const servers = [{ ...shutOff("instance-1"), ...but }];

    expect(whyNotEmpty({ ...stays, servers }, staying)).toContain("web-1 (instance-1)");
    expect(notStaying(servers, staying)).toEqual(servers);
  });

  test("and is no longer there explains no allocation", () => {
    expect(whyNotEmpty({ ...stays, servers: [] }, staying)).toContain("allocation of instance-1");
  });

  test("and is in a migration keeps it", () => {
    const migrations = [migration("finished")];

    expect(whyNotEmpty({ ...stays, migrations }, staying)).toContain("migration 7");
  });
});

const seenServer = fc.record({
  id: fc.constantFrom("instance-1", "instance-2", "instance-3"),
  name: fc.constant("web"),
  status: fc.constantFrom("ACTIVE", "SHUTOFF", "ERROR", "SOFT_DELETED", "VERIFY_RESIZE", "BUILD"),
  taskState: fc.option(fc.constantFrom("powering-on", "deleting")),
  powerState: fc.option(fc.constantFrom(0, 1, 3, 4)),
});
const anyEvidence: fc.Arbitrary<Evidence> = fc.record({
  servers: fc.uniqueArray(seenServer, { selector: ({ id }) => id, maxLength: 3 }),
  partial: fc.boolean(),
  holdings: fc
    .subarray(["instance-1", "instance-2", "migration-uuid-7", "stray"])
    .map((consumers) => consumers.map(heldBy)),
  migrations: fc
    .subarray(["running", "finished", "completed", "error", "odd"])
    .map((statuses) =>
      statuses.map((status, n) => ({ ...migration(status), id: n, uuid: `migration-uuid-${n}` })),
    ),
  serviceStatus: fc.constantFrom("enabled", "disabled", null),
  providers: fc.integer({ min: 0, max: 2 }),
});
/** Often calm, so that also what is nearly empty is tried. */
const evidences = fc.oneof(
  anyEvidence,
  anyEvidence.map((seen) => ({ ...empty, servers: seen.servers, holdings: seen.holdings })),
);
const anyStaying = fc.subarray(["instance-1", "instance-2"]);

describe("whatever is seen of a host", () => {
  const holds = (claim: (seen: Evidence, staying: readonly string[]) => boolean) =>
    fc.assert(fc.property(evidences, anyStaying, claim), { numRuns: 3_000 });
  const isEmpty = (seen: Evidence, staying: readonly string[]) =>
    whyNotEmpty(seen, staying) === null;

  test("an empty host holds nothing that runs, nothing under way and nothing unexplained", () => {
    holds(
      (seen, staying) =>
        !isEmpty(seen, staying) ||
        (seen.serviceStatus === "disabled" &&
          !seen.partial &&
          seen.providers > 0 &&
          seen.servers.every(
            ({ id, powerState, taskState }) =>
              staying.includes(id) && powerState !== 1 && powerState !== 3 && taskState === null,
          ) &&
          seen.migrations.every(({ status }) => ["completed", "error"].includes(status)) &&
          seen.holdings.every(({ consumer }) => seen.servers.some(({ id }) => id === consumer))),
    );
  });

  test("less to stay never makes it empty", () => {
    holds((seen, staying) => isEmpty(seen, staying) || !isEmpty(seen, staying.slice(1)));
  });

  test("a doubt more never makes it empty", () => {
    const doubts: ((seen: Evidence) => Evidence)[] = [
      (seen) => ({ ...seen, serviceStatus: "enabled" }),
      (seen) => ({ ...seen, serviceStatus: null }),
      (seen) => ({ ...seen, partial: true }),
      (seen) => ({ ...seen, providers: 0 }),
      (seen) => ({ ...seen, servers: [...seen.servers, server({ id: "intruder" })] }),
      (seen) => ({ ...seen, migrations: [...seen.migrations, migration("accepted")] }),
      (seen) => ({ ...seen, holdings: [...seen.holdings, heldBy("another stray")] }),
      (seen) => ({ ...seen, servers: seen.servers.map((one) => ({ ...one, powerState: 1 })) }),
    ];
    holds((seen, staying) =>
      doubts.every((doubt) => isEmpty(seen, staying) || !isEmpty(doubt(seen), staying)),
    );
  });

  test("a staying instance that vanishes while its allocation is there never makes it empty", () => {
    holds((seen, staying) => {
      const gone = { ...seen, servers: [] };
      return seen.holdings.length === 0 || !isEmpty(gone, staying);
    });
  });
});
