import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../../lib/domain/device.ts";
import { ConflictError, MalformedError } from "../../lib/domain/errors.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { aDevice } from "../domain/builders.ts";
import { type DynamoDb, startDynamoDb } from "./dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

const open = () => hostStore(dynamodb.newTable());
const nameOf = (n: number) => `cmp-${String(n).padStart(2, "0")}`;

describe("a host", () => {
  test("is found by its id and by its name", async () => {
    const hosts = open();
    await hosts.create(aDevice("cmp-01"));

    expect(await hosts.get("device-cmp-01")).toEqual(aDevice("cmp-01"));
    expect(await hosts.findByName("RegionOne", "cmp-01")).toEqual(aDevice("cmp-01"));
  });

  test("is found by its very name, in its own region only", async () => {
    const hosts = open();
    await hosts.create(aDevice("Cmp-01"));

    expect(await hosts.findByName("RegionOne", "Cmp-01")).toMatchObject({ name: "Cmp-01" });
    expect(await hosts.findByName("RegionOne", "cmp-01")).toBeNull();
    expect(await hosts.findByName("RegionTwo", "Cmp-01")).toBeNull();
    expect(await hosts.get("Cmp-01")).toBeNull();
  });

  test("is found among many by name, each once, whatever else is asked for", async () => {
    const hosts = open();
    await Promise.all(Array.from({ length: 130 }, (_, n) => hosts.create(aDevice(`cmp-${n}`))));
    const asked = Array.from({ length: 130 }, (_, n) => `cmp-${n}`);
    const found = await hosts.findByNames("RegionOne", [...asked, "cmp-1", "cmp-999", "CMP-2"]);

    expect([...found.keys()].toSorted()).toEqual(asked.toSorted());
    expect((await hosts.findByNames("RegionOne", [])).size).toBe(0);
  });

  test("has a name that no other host of its region has, and nothing half-written is left", async () => {
    const hosts = open();
    await hosts.create(aDevice("cmp-01"));

    await expect(hosts.create(aDevice("CMP-01", { id: "second" }))).rejects.toThrow(ConflictError);
    expect(await hosts.get("second")).toBeNull();
    await hosts.create(aDevice("cmp-01", { id: "third", region: "RegionTwo" }));
  });

  test("is replaced by its next version, and by one writer only", async () => {
    const hosts = open();
    await hosts.create(aDevice("cmp-01"));
    const next = (zone: string): Device => aDevice("cmp-01", { version: 2, zone });
    const written = await Promise.all([hosts.replace(next("east")), hosts.replace(next("west"))]);

    expect(written.toSorted()).toEqual([false, true]);
    expect(await hosts.get("device-cmp-01")).toMatchObject({
      version: 2,
      zone: written[0] ? "east" : "west",
    });
  });
});

describe("a list of hosts", () => {
  test("is paged in order of name, each host once, the last page without a cursor", async () => {
    const hosts = open();
    for (let n = 25; n > 0; n--) await hosts.create(aDevice(nameOf(n)));
    const pages: string[][] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof hosts.listByRegion>> = await hosts.listByRegion(
        "RegionOne",
        10,
        cursor,
      );
      pages.push(page.hosts.map(({ name }) => name));
      cursor = page.cursor;
    } while (cursor !== null);

    expect(pages.map(({ length }) => length)).toEqual([10, 10, 5]);
    expect(pages.flat()).toEqual(Array.from({ length: 25 }, (_, n) => nameOf(n + 1)));
  });

  test("goes on after a host that has been changed meanwhile", async () => {
    const hosts = open();
    for (const n of [1, 2, 3]) await hosts.create(aDevice(nameOf(n)));
    const { cursor } = await hosts.listByRegion("RegionOne", 1, null);
    await hosts.replace(aDevice(nameOf(1), { version: 2, gone: true }));
    const rest = await hosts.listByRegion("RegionOne", 10, cursor);

    expect(rest.hosts.map(({ name }) => name)).toEqual(["cmp-02", "cmp-03"]);
  });

  test("holds the hosts of one region", async () => {
    const hosts = open();
    await hosts.create(aDevice("cmp-01"));
    await hosts.create(aDevice("cmp-02", { region: "RegionTwo" }));

    expect([...(await hosts.byName("RegionTwo")).keys()]).toEqual(["cmp-02"]);
    expect((await hosts.listByRegion("RegionThree", 10, null)).hosts).toEqual([]);
  });

  test("of all hosts by name has as many as there are, however many pages they fill", async () => {
    const hosts = open();
    await Promise.all(Array.from({ length: 501 }, (_, n) => hosts.create(aDevice(`cmp-${n}`))));

    expect((await hosts.byName("RegionOne")).size).toBe(501);
  });
});

test.each([
  "",
  "garbage",
  "bnVsbA",
  Buffer.from("[1,2]").toString("base64url"),
  Buffer.from('["C#-#cmp-01#1"]').toString("base64url"),
  Buffer.from('["C#-#cmp-01#1","S#session"]').toString("base64url"),
])("a cursor that is not one of the list, like %j, is refused and named", async (cursor) => {
  await expect(open().listByRegion("RegionOne", 1, cursor)).rejects.toMatchObject({
    name: MalformedError.name,
    findings: [{ path: "cursor", code: "cursor_unknown" }],
  });
});

test("regions are remembered once, in order of cloud and name", async () => {
  const hosts = open();
  await hosts.putRegion("lab", "RegionTwo");
  await hosts.putRegion("lab", "RegionOne");
  await hosts.putRegion("lab", "RegionOne");

  expect(await hosts.regions()).toEqual([
    { cloud: "lab", region: "RegionOne" },
    { cloud: "lab", region: "RegionTwo" },
  ]);
});
