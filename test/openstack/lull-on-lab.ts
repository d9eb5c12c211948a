import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { type Cloud, openCloud } from "../../lib/openstack/cloud.ts";
import { cloudConfigFrom } from "../../lib/openstack/clouds-yaml.ts";
import { listHypervisors } from "../../lib/openstack/compute/hypervisors.ts";
import { listServers } from "../../lib/openstack/compute/servers.ts";
import {
  allocations,
  deleteAllocations,
} from "../../lib/openstack/placement/resource-providers.ts";
import { startLull } from "../../localstack/embedded.ts";
import { labClouds } from "./lab.ts";

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

/** What GET /v1/maintenance/{id}/detail says, as far as tests read it. */
const detailSchema = z.object({
  control: z.string(),
  session: z.object({ state: z.string() }),
  attention: z.array(
    z.object({
      code: z.string(),
      host: text,
      instance: text,
      message: z.string(),
      what_happens_next: z.string(),
    }),
  ),
  hosts: z.array(
    z.object({
      hostname: z.string(),
      phase: z.string(),
      outcome: text,
      instances_left: z.number().nullish(),
      details: text,
    }),
  ),
  instances: z.array(
    z.object({
      instance_id: z.string(),
      instance_name: text,
      host: text,
      destination_host: text,
      state: z.string(),
      started_at: text,
      finished_at: text,
      details: text,
    }),
  ),
});
export type Detail = z.infer<typeof detailSchema>;

/** Lull in this process, maintaining the lab, and its public API as an administrator sees it. */
export type LullOnLab = {
  readonly url: string;
  readonly call: (method: string, path: string, body?: unknown) => Promise<unknown>;
  /** Opens a session and answers its id. */
  readonly open: (body: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly detail: (sessionId: string) => Promise<Detail>;
  /** The detail once the session is over. @throws Error that tells how everything stands, if it is not in time */
  readonly ended: (sessionId: string, withinMs: number) => Promise<Detail>;
  readonly close: () => Promise<void>;
};

export const cloudConfigOf = async (cloud: string) =>
  (await cloudConfigFrom({ env: { OS_CLIENT_CONFIG_FILE: labClouds.file }, cloud })).config;

/**
 * Starts Lull on the lab and waits until it knows the hosts. The engine works with the credential of
 * `cloud`; the caller of the API is always the lab's administrator.
 */
export const startLullOnLab = async (
  cloud: string,
  settings: Readonly<Record<string, string>> = {},
  { port, secrets = {} }: { port?: number; secrets?: Readonly<Record<string, string>> } = {},
): Promise<LullOnLab> => {
  const folder = mkdtempSync(join(tmpdir(), "lull-lab-"));
  const lull = await startLull({
    data: folder,
    cloud: { name: "lab", config: await cloudConfigOf(cloud) },
    settings: { LULL_POLL_SECONDS: "2", ...settings },
    secrets,
    ...(port !== undefined && { port }),
  });
  const token = openCloud(await cloudConfigOf(labClouds.admin)).token;

  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const reply = await fetch(lull.apiUrl + path, {
      method,
      headers: { "x-auth-token": await token(), "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer: unknown = await reply.json();
    if (reply.ok) return answer;
    throw new Error(`${method} ${path} answered ${reply.status}: ${JSON.stringify(answer)}`);
  };

  const detail = async (sessionId: string) =>
    detailSchema.parse(await call("GET", `/v1/maintenance/${sessionId}/detail`));

  const ended = async (sessionId: string, withinMs: number) => {
    const until = performance.now() + withinMs;
    for (;;) {
      const seen = await detail(sessionId);
      if (/DONE|FAILED/.test(seen.session.state)) return seen;
      if (performance.now() > until)
        throw new Error(`not over after ${withinMs / 1000} s:\n${storyOf(seen)}`);
      await pause(500);
    }
  };

  await syncInventory(call);
  return {
    url: lull.apiUrl,
    call,
    open: async (body) =>
      z.object({ session_id: z.string() }).parse(await call("POST", "/v1/maintenance", body))
        .session_id,
    detail,
    ended,
    close: async () => {
      await lull.close();
      await rm(folder, { recursive: true });
    },
  };
};

const syncInventory = async (call: LullOnLab["call"]): Promise<void> => {
  const { sync_id } = z.object({ sync_id: z.string() }).parse(await call("POST", "/v1/sync"));
  for (;;) {
    const { state, ...rest } = z
      .looseObject({ state: z.string() })
      .parse(await call("GET", `/v1/sync/${sync_id}`));
    if (state === "DONE") return;
    if (state !== "REQUESTED") throw new Error(`the sync is ${state}: ${JSON.stringify(rest)}`);
    await pause(200);
  }
};

/** Everything the session says of itself, one line for each thing. */
const storyOf = ({ session, control, attention, hosts, instances }: Detail): string =>
  [
    `session ${session.state}, ${control}`,
    ...attention.map(
      ({ code, host, instance, message, what_happens_next }) =>
        `attention ${code} ${host ?? ""} ${instance ?? ""}: ${message}; ${what_happens_next}`,
    ),
    ...hosts.map(
      ({ hostname, phase, outcome, instances_left, details }) =>
        `host ${hostname} ${phase} ${outcome ?? ""}, ${instances_left ?? 0} left: ${details ?? ""}`,
    ),
    ...instances
      .filter(({ state }) => state !== "moved")
      .map(
        ({ instance_name, state, host, destination_host, details }) =>
          `instance ${instance_name} ${state} on ${host}, to ${destination_host}: ${details ?? ""}`,
      ),
  ].join("\n");

/**
 * Other tests let hosts die in the middle of a move, and Placement keeps what the migration held.
 * Lull rightly takes such a host for not empty, and leaves the cure to people.
 */
export const clearLeftovers = async ({ compute, placement }: Cloud): Promise<void> => {
  const known = new Set((await listServers(compute, { all_tenants: true })).map(({ id }) => id));
  for (const { id } of await listHypervisors(compute))
    for (const consumer of Object.keys(await allocations(placement, id)))
      if (!known.has(consumer)) await deleteAllocations(placement, consumer);
};
