import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SupersededError } from "../../lib/domain/errors.ts";
import { claimHost } from "../../lib/domain/host-run.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { runStore } from "../../lib/store/runs.ts";
import type { Table } from "../../lib/store/table.ts";
import { type DynamoDb, NOW, startDynamoDb, startRun } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const nameOf = (n: number) => `cmp-${String(n).padStart(3, "0")}`;
const deviceOf = (host: string) => `device-${host}`;
const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => nameOf(first + n));

/** A session with a live run that may claim hosts. */
const openSession = async (table: Table) => {
  const ref = await startRun(table);
  const claims = (hosts: readonly string[]) =>
    hosts.map((host) =>
      claimHost({
        sessionId: ref.run_id,
        host,
        deviceId: deviceOf(host),
        plugins: ["hold"],
        now: NOW,
      }),
    );
  return {
    ref,
    id: ref.run_id,
    /** @returns the names of the hosts that another session owns */
    claim: async (hosts: readonly string[]) =>
      (await ownership(table).claim(ref, claims(hosts))).map(({ host }) => host),
    hosts: async () => (await hostRunStore(table).list(ref.run_id)).map(({ host }) => host),
  };
};

const ownersOf = async (table: Table, hosts: readonly string[]) => {
  const owners = await ownership(table).owners(hosts.map(deviceOf));
  return hosts.map((host) => owners.get(deviceOf(host)) ?? null);
};

describe("claiming", () => {
  test("makes the session the owner of 95 hosts, and stores each as waiting", async () => {
    const table = dynamodb.newTable();
    const session = await openSession(table);
    const hosts = range(1, 95);

    expect(await session.claim(hosts)).toEqual([]);
    expect(await ownersOf(table, hosts)).toEqual(hosts.map(() => session.id));
    expect(await session.hosts()).toEqual(hosts);
  });

  test("names the one host of 95 that another session owns, and takes its chunk of 40 not at all", async () => {
    const table = dynamodb.newTable();
    const [mine, other] = [await openSession(table), await openSession(table)];
    await other.claim([nameOf(50)]);

    expect(await mine.claim(range(1, 95))).toEqual([nameOf(50)]);
    expect(await ownersOf(table, range(1, 40))).toEqual(range(1, 40).map(() => mine.id));
    expect(await ownersOf(table, range(41, 49))).toEqual(range(41, 49).map(() => null));
    expect(await ownersOf(table, [nameOf(50)])).toEqual([other.id]);
    expect(await mine.hosts()).toEqual(expect.not.arrayContaining(range(41, 80)));
  });

  test("stops at the first chunk refused, so that two sessions cannot wait for each other", async () => {
    const table = dynamodb.newTable();
    const [mine, other] = [await openSession(table), await openSession(table)];
    await other.claim([nameOf(1)]);
    await mine.claim(range(1, 80));

    expect(await ownersOf(table, [nameOf(80)])).toEqual([null]);
  });

  test("is completed by another try once the other session has let go", async () => {
    const table = dynamodb.newTable();
    const [mine, other] = [await openSession(table), await openSession(table)];
    await other.claim([nameOf(50)]);
    await mine.claim(range(1, 95));
    await ownership(table).release(other.id, [deviceOf(nameOf(50))]);

    expect(await mine.claim(range(1, 95))).toEqual([]);
    expect(await mine.hosts()).toEqual(range(1, 95));
  });

  test("again leaves what the session's hosts have done since as it is", async () => {
    const table = dynamodb.newTable();
    const session = await openSession(table);
    await session.claim(["cmp-001"]);
    const runs = hostRunStore(table);
    await runs.start(await runs.get(session.id, "cmp-001"), "run-1", session.ref, NOW);
    await session.claim(["cmp-001"]);

    expect(await runs.get(session.id, "cmp-001")).toMatchObject({
      phase: "DISABLING",
      run_id: "run-1",
    });
  });

  test("by two sessions at once gives a host to one of them", async () => {
    const table = dynamodb.newTable();
    const [mine, other] = [await openSession(table), await openSession(table)];
    const refusals = await Promise.all([mine.claim(["cmp-001"]), other.claim(["cmp-001"])]);
    const [owner] = await ownersOf(table, ["cmp-001"]);

    expect(refusals.map((refused) => refused.length).toSorted()).toEqual([0, 1]);
    expect(owner).toBe(refusals[0]?.length === 0 ? mine.id : other.id);
  });

  test("is refused to a session whose run has been taken over", async () => {
    const table = dynamodb.newTable();
    const session = await openSession(table);
    await runStore(table).supersede(session.ref, NOW);

    await expect(session.claim(["cmp-001"])).rejects.toThrow(SupersededError);
    expect(await ownersOf(table, ["cmp-001"])).toEqual([null]);
    expect(await session.hosts()).toEqual([]);
  });
});

describe("releasing", () => {
  test("frees what the session owns, and nothing that another owns", async () => {
    const table = dynamodb.newTable();
    const [mine, other] = [await openSession(table), await openSession(table)];
    await mine.claim(["cmp-001", "cmp-002"]);
    await other.claim(["cmp-003"]);
    const all = ["cmp-001", "cmp-002", "cmp-003", "cmp-004"];
    await ownership(table).release(mine.id, all.map(deviceOf));

    expect(await ownersOf(table, all)).toEqual([null, null, other.id, null]);
  });

  test("frees more hosts than one transaction takes, and may be repeated", async () => {
    const table = dynamodb.newTable();
    const session = await openSession(table);
    const devices = range(1, 95).map(deviceOf);
    await session.claim(range(1, 95));
    await ownership(table).release(session.id, devices);
    await ownership(table).release(session.id, devices);

    expect((await ownership(table).owners(devices)).size).toBe(0);
  });
});

test("the owners of the whole fleet are told for lists, and forgotten once released", async () => {
  const table = dynamodb.newTable();
  const [mine, other] = [await openSession(table), await openSession(table)];
  const { all, release } = ownership(table);
  await mine.claim(range(1, 95));
  await other.claim([nameOf(96)]);
  expect((await all()).size).toBe(96);

  await release(mine.id, range(1, 95).map(deviceOf));
  expect([...(await all())]).toEqual([[deviceOf(nameOf(96)), other.id]]);
});

test("an owner that is asked for twice is told once", async () => {
  const table = dynamodb.newTable();
  const session = await openSession(table);
  await session.claim(["cmp-001"]);

  expect(await ownersOf(table, ["cmp-001", "cmp-001"])).toEqual([session.id, session.id]);
});

test("owners of more hosts than one question takes are all told", async () => {
  const table = dynamodb.newTable();
  const session = await openSession(table);
  await session.claim(range(1, 130));

  expect((await ownership(table).owners(range(1, 250).map(deviceOf))).size).toBe(130);
  expect((await ownership(table).owners([])).size).toBe(0);
});
