import { Agent, get } from "node:http";
import * as z from "zod";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { cloudConfigFrom } from "../../lib/openstack/clouds-yaml.ts";
import type { Table } from "./figure.ts";
import { startProcess } from "./lull-process.ts";

const PORT = 12_391;
const CALLERS = 16;
const REQUESTS = 6_000;
const WARM_UP = 1_000;

/** Pages of 20 hosts a second, asked with one token from this process on the other core. */
export const hostPages = async (): Promise<Table> => {
  const lull = await startProcess(PORT, ["--hosts", "60"]);
  const { config } = await cloudConfigFrom({ env: lull.cloud });
  const token = await openCloud(config).token();
  await readFleet(lull.url, token);
  const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
  const ask = () => page(agent, `${lull.url}/v1/hosts?limit=20`, token);
  await inParallel(WARM_UP, ask);
  const began = performance.now();
  await inParallel(REQUESTS, ask);
  const seconds = (performance.now() - began) / 1000;
  const rss = lull.rssMb();
  agent.destroy();
  await lull.stop();
  return [
    ["figure", "measured", "bar"],
    [
      `GET /v1/hosts, page of 20, ${CALLERS} callers, ${REQUESTS} requests`,
      `${(REQUESTS / seconds).toFixed(0)} req/s`,
      ">= 600 req/s",
    ],
    ["memory (RSS) after it", `${rss.toFixed(0)} MB`, ""],
  ];
};

/** Has the inventory read from the simulated cloud, and waits until it is. */
const readFleet = async (url: string, token: string): Promise<void> => {
  const headers = { "x-auth-token": token };
  const reply = await fetch(`${url}/v1/sync`, { method: "POST", headers });
  const { sync_id } = syncSchema.parse(await reply.json());
  for (let state = "REQUESTED"; state === "REQUESTED"; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const answer = await fetch(`${url}/v1/sync/${sync_id}`, { headers });
    state = syncSchema.parse(await answer.json()).state;
  }
};

const syncSchema = z.object({ sync_id: z.string(), state: z.string() });

/** Asks `times` times, CALLERS at once. */
const inParallel = async (times: number, ask: () => Promise<void>): Promise<void> => {
  let left = times;
  const caller = async () => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
};

/** @throws Error when the answer is not a full page */
const page = (agent: Agent, url: string, token: string): Promise<void> =>
  new Promise((resolve, reject) => {
    get(url, { agent, headers: { "x-auth-token": token } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => {
        const full = response.statusCode === 200 && text.split('"hypervisor"').length === 21;
        if (full) resolve();
        else reject(new Error(`not a page of 20: ${response.statusCode} ${text.slice(0, 200)}`));
      });
    }).on("error", reject);
  });
