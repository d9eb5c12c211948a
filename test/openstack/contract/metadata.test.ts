import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import {
  resetState,
  startServer,
  stopServer,
} from "../../../lib/openstack/compute/server-actions.ts";
import {
  deleteMetadataItem,
  setMetadataItem,
} from "../../../lib/openstack/compute/server-metadata.ts";
import { getServer, liveMigrate } from "../../../lib/openstack/compute/servers.ts";
import { call } from "../../../lib/openstack/http.ts";
import {
  type ContractCloud,
  eventually,
  lastRow,
  openContractCloud,
  outcomeOf,
  someServer,
} from "./contract-cloud.ts";

let cloud: ContractCloud;
beforeAll(async () => {
  cloud = await openContractCloud();
});
afterEach(() => cloud.behave({}));
afterAll(() => cloud?.close());

const KEY = "maintenance:status_url";
const URL = "https://lull.example/status/project/5f3a";

const theServer = () => someServer(cloud, { grouped: false });
const itemOf = async (id: string) => (await getServer(cloud.admin.compute, id)).metadata[KEY];
const reaches = (id: string, wanted: string) =>
  eventually(`${id} to be ${wanted}`, async () => {
    const { status, task_state } = await getServer(cloud.admin.compute, id);
    return status === wanted && task_state === null;
  });

describe("one item of a server's metadata", () => {
  it("is written by an admin, over what its owner wrote, and taken away; the others stay", async () => {
    const { id, metadata } = await theServer();
    await setMetadataItem(cloud.admin.compute, id, KEY, "mine");
    await setMetadataItem(cloud.admin.compute, id, KEY, URL);
    expect((await getServer(cloud.admin.compute, id)).metadata).toEqual({
      ...metadata,
      [KEY]: URL,
    });

    await deleteMetadataItem(cloud.admin.compute, id, KEY);
    expect((await getServer(cloud.admin.compute, id)).metadata).toEqual(metadata);
  });

  it("that is not there cannot be taken away", async () => {
    const { id } = await theServer();
    await expect(deleteMetadataItem(cloud.admin.compute, id, KEY)).rejects.toMatchObject({
      status: 404,
      detail: "Metadata item was not found",
    });
  });

  it("of a server that is not there can be neither written nor taken away", async () => {
    const nobody = "00000000-0000-4000-8000-000000000000";
    const write = setMetadataItem(cloud.admin.compute, nobody, KEY, URL);
    await expect(write).rejects.toMatchObject({ status: 404 });
    const remove = deleteMetadataItem(cloud.admin.compute, nobody, KEY);
    await expect(remove).rejects.toMatchObject({ status: 404 });
  });

  it("must be the one that the path names, and of 255 characters at most", async () => {
    const { id } = await theServer();
    const body = { meta: { other: URL } };
    const options = { method: "PUT", body } as const;
    const other = call(cloud.admin.compute, `/servers/${id}/metadata/key`, z.unknown(), options);
    await expect(other).rejects.toMatchObject({
      status: 400,
      detail: "Request body and URI mismatch",
    });
    const long = setMetadataItem(cloud.admin.compute, id, KEY, "x".repeat(256));
    await expect(long).rejects.toMatchObject({ status: 400 });
  });

  it("is refused when the server has as many as it may", async () => {
    const { id, metadata } = await theServer();
    const room = 128 - Object.keys(metadata).length;
    const more = Object.fromEntries(Array.from({ length: room }, (_, n) => [`item-${n}`, "full"]));
    const options = { method: "POST", body: { metadata: more } } as const;
    await call(cloud.admin.compute, `/servers/${id}/metadata`, z.unknown(), options);
    try {
      const write = setMetadataItem(cloud.admin.compute, id, KEY, URL);
      await expect(write).rejects.toMatchObject({
        status: 403,
        detail: "Maximum number of metadata items exceeds 128",
      });
    } finally {
      for (const key of Object.keys(more)) await deleteMetadataItem(cloud.admin.compute, id, key);
    }
  });

  it("is written while the server moves", async () => {
    const { id } = await theServer();
    await cloud.behave({ [id]: { live_migration: { seconds: 5 } } });
    const after = await lastRow(cloud, id);
    await liveMigrate(cloud.admin.compute, id);
    await setMetadataItem(cloud.admin.compute, id, KEY, URL);
    expect(await itemOf(id)).toBe(URL);
    expect((await outcomeOf(cloud, id, after)).row.status).toBe("completed");
    await deleteMetadataItem(cloud.admin.compute, id, KEY);
  });

  it("is written while the server is shut off, and neither written nor taken away when it is in ERROR", async () => {
    const { id } = await theServer();
    await stopServer(cloud.admin.compute, id);
    await reaches(id, "SHUTOFF");
    await setMetadataItem(cloud.admin.compute, id, KEY, URL);
    await startServer(cloud.admin.compute, id);
    await reaches(id, "ACTIVE");
    await resetState(cloud.admin.compute, id, "error");
    try {
      const inVain = (verb: string) => ({
        status: 409,
        detail: `Cannot '${verb} metadata' instance ${id} while it is in vm_state error`,
      });
      const write = setMetadataItem(cloud.admin.compute, id, KEY, URL);
      await expect(write).rejects.toMatchObject(inVain("update"));
      const remove = deleteMetadataItem(cloud.admin.compute, id, KEY);
      await expect(remove).rejects.toMatchObject(inVain("delete"));
    } finally {
      await resetState(cloud.admin.compute, id, "active");
    }
    await deleteMetadataItem(cloud.admin.compute, id, KEY);
  });
});
