import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import type { Cloud } from "../../../lib/openstack/cloud.ts";
import { listMigrations } from "../../../lib/openstack/compute/migrations.ts";
import { listServers } from "../../../lib/openstack/compute/servers.ts";
import { allocations, findProvider } from "../../../lib/openstack/placement/resource-providers.ts";

/** An order to work on a host, and what was on that host at the moment it came and when it was done. */
export type Work = { readonly host: string; readonly at: number; readonly found: string[] };

const orderSchema = z.object({
  host: z.string(),
  callback_url: z.string(),
  callback_token: z.string(),
});

const WORK_MS = 3_000;

const UNFINISHED = [
  "accepted",
  "queued",
  "preparing",
  "pre-migrating",
  "running",
  "migrating",
  "post-migrating",
  "finished",
];

/** Somebody who works on hosts when told to. Before and after the work the host is looked at, in Nova. */
export const startHostWork = async (cloud: Cloud) => {
  const done: Work[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      response.writeHead(202).end();
      void work(
        cloud,
        orderSchema.parse(JSON.parse(Buffer.concat(chunks).toString("utf8"))),
        done,
      ).catch((error) => console.log("host work:", error));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/work`,
    done,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const work = async (
  cloud: Cloud,
  { host, callback_url, callback_token }: z.infer<typeof orderSchema>,
  done: Work[],
): Promise<void> => {
  const at = Date.now();
  const before = await guestsOf(cloud, host);
  await pause(WORK_MS);
  done.push({ host, at, found: [...before, ...(await guestsOf(cloud, host))] });
  const reply = await fetch(callback_url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${callback_token}` },
    body: JSON.stringify({ state: "DONE", details: "worked on" }),
  });
  await reply.arrayBuffer();
};

/** Whatever Nova and Placement know of on a host. */
const guestsOf = async ({ compute, placement }: Cloud, host: string): Promise<string[]> => {
  const servers = await listServers(compute, { all_tenants: true, soft_deleted: true, host });
  const provider = await findProvider(placement, host);
  const consumers = provider ? Object.keys(await allocations(placement, provider.uuid)) : [];
  const moves = (await listMigrations(compute, { host })).filter(({ status }) =>
    UNFINISHED.includes(status),
  );
  return [
    ...servers.map(({ name, status }) => `server ${name} ${status}`),
    ...consumers.map((consumer) => `allocation of ${consumer}`),
    ...moves.map(({ id, status }) => `migration ${id} ${status}`),
  ];
};
