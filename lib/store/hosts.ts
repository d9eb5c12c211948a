import { GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { type Device, deviceSchema } from "../domain/device.ts";
import { ConflictError } from "../domain/errors.ts";
import { getAll } from "./batch-get.ts";
import { isConditionFailure, transact } from "./conditions.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { queryIndex } from "./query.ts";
import { parseRow } from "./rows.ts";
import { keys, scopes, type Table } from "./table.ts";

export type HostPage = { readonly hosts: Device[]; readonly cursor: string | null };

/** Hosts that a page brings when all are wanted. */
const PAGE = 500;

const regionSchema = z.object({ cloud: z.string(), region: z.string() });
const lockSchema = z.object({ id: z.string() });
const keySchema = z.object({ GSI1SK: z.string(), PK: z.string() });

const cursorOf = (key: unknown): string => {
  const { GSI1SK, PK } = keySchema.parse(key);
  return encodeCursor(GSI1SK, PK);
};

export const hostStore = (table: Table) => {
  const { client, name } = table;

  const row = (device: Device) => ({
    ...keys.device(device.id),
    ...scopes.hosts(device.region, device.cell, device.name, device.id),
    kind: "device",
    ...device,
  });

  const listByRegion = async (
    region: string,
    limit: number,
    cursor: string | null,
  ): Promise<HostPage> => {
    const { GSI1PK } = scopes.hosts(region, null, "", "");
    const [GSI1SK, PK] = cursor === null ? [] : decodeCursor(cursor, /^C#/, /^P#lull#DEV#/);
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: name,
        IndexName: "by_scope",
        KeyConditionExpression: "GSI1PK = :list",
        ExpressionAttributeValues: { ":list": GSI1PK },
        Limit: limit,
        ...(PK !== undefined && { ExclusiveStartKey: { GSI1PK, GSI1SK, PK, SK: "#META" } }),
      }),
    );
    return {
      hosts: Items.map((item) => parseRow(deviceSchema, item)),
      cursor: LastEvaluatedKey ? cursorOf(LastEvaluatedKey) : null,
    };
  };

  const get = async (id: string): Promise<Device | null> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: name, Key: keys.device(id), ConsistentRead: true }),
    );
    return Item === undefined ? null : parseRow(deviceSchema, Item);
  };

  return {
    get,

    /** The host of this name in a region; null when the inventory holds none. */
    async findByName(region: string, host: string): Promise<Device | null> {
      const { Item } = await client.send(
        new GetCommand({
          TableName: name,
          Key: keys.deviceName(region, host),
          ConsistentRead: true,
        }),
      );
      const device = Item === undefined ? null : await get(parseRow(lockSchema, Item).id);
      return device?.name === host ? device : null;
    },

    /** The hosts of these names in a region, by name; those that it has not are left out. */
    async findByNames(region: string, names: readonly string[]): Promise<Map<string, Device>> {
      const wanted = new Set(names);
      const locks = await getAll(
        table,
        [...wanted].map((host) => keys.deviceName(region, host)),
      );
      const ids = locks.map((row) => parseRow(lockSchema, row).id);
      const devices = (await getAll(table, ids.map(keys.device))).map((row) =>
        parseRow(deviceSchema, row),
      );
      return new Map(
        devices.filter((device) => wanted.has(device.name)).map((device) => [device.name, device]),
      );
    },

    /** Remembers that a region has hosts; safe to repeat. */
    async putRegion(cloud: string, region: string): Promise<void> {
      const Item = {
        ...keys.region(region),
        ...scopes.regions(cloud, region),
        kind: "region",
        schema: 1,
        cloud,
        region,
      };
      await client.send(new PutCommand({ TableName: name, Item }));
    },

    /** Every region of the inventory, in order of cloud and name. */
    async regions(): Promise<z.infer<typeof regionSchema>[]> {
      const rows = await queryIndex(table, "by_scope", "GSI1PK", scopes.regions("", "").GSI1PK);
      return rows.map((row) => parseRow(regionSchema, row));
    },

    /** Hosts of one region, in order of cell and name. */
    listByRegion,

    /** Every host of a region by its name. */
    async byName(region: string): Promise<Map<string, Device>> {
      const devices = new Map<string, Device>();
      let cursor: string | null = null;
      do {
        const page: HostPage = await listByRegion(region, PAGE, cursor);
        for (const device of page.hosts) devices.set(device.name, device);
        cursor = page.cursor;
      } while (cursor !== null);
      return devices;
    },

    /** @throws ConflictError when the region already has a host of this name */
    async create(device: Device): Promise<void> {
      const lock = { ...keys.deviceName(device.region, device.name), kind: "name", id: device.id };
      const absent = "attribute_not_exists(PK)";
      const failed = await transact(table, [
        { Put: { TableName: name, Item: row(device), ConditionExpression: absent } },
        { Put: { TableName: name, Item: lock, ConditionExpression: absent } },
      ]);
      if (failed) throw new ConflictError(`host ${device.name} is in the inventory already`);
    },

    /** Writes the next version; false when somebody else wrote one first. */
    async replace(device: Device): Promise<boolean> {
      try {
        await client.send(
          new PutCommand({
            TableName: name,
            Item: row(device),
            ConditionExpression: "version = :seen",
            ExpressionAttributeValues: { ":seen": device.version - 1 },
          }),
        );
        return true;
      } catch (error) {
        if (isConditionFailure(error)) return false;
        throw error;
      }
    },
  };
};
export type HostStore = ReturnType<typeof hostStore>;
