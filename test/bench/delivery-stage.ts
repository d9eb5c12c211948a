import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { transact } from "../../lib/store/conditions.ts";
import { putEvent } from "../../lib/store/outbox.ts";
import { subscriptionStore } from "../../lib/store/subscriptions.ts";
import { openTable, type Table } from "../../lib/store/table.ts";
import { freePort } from "../../localstack/demo/stage.ts";

const LULL = fileURLToPath(new URL("delivery-lull.ts", import.meta.url));
const TABLE = "lull-dev";
const RETRY_MS = 200;

const credentialsSchema = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });
const bodySchema = z.object({
  data: z.object({
    project_id: z.string(),
    session_id: z.string(),
    instance_ids: z.tuple([z.string()]),
  }),
});

/** One event of the bench: the nth of its session, for one project. */
export type Happening = { readonly project: string; readonly session: string; readonly n: number };

/** Called with each request as soon as its first bytes are read; it answers, or never does. */
type Answer = (happening: Happening, response: ServerResponse) => void;

/** The service in a process of its own, which can be killed and started again on its folder. */
const lullProcess = async () => {
  const data = mkdtempSync(join(tmpdir(), "lull-delivery-"));
  const awsPort = await freePort();
  let child: ChildProcess | undefined;
  const start = (): Promise<string> =>
    new Promise((resolve, reject) => {
      child = spawn(process.execPath, [LULL, JSON.stringify({ data, awsPort })], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
      child.stdout?.once("data", (line) => resolve(String(line)));
    });
  const kill = (): Promise<void> =>
    new Promise((resolve) => {
      child?.removeAllListeners("exit");
      child?.once("exit", () => resolve());
      child?.kill("SIGKILL");
    });
  const { accessKeyId, secretAccessKey } = credentialsSchema.parse(JSON.parse(await start()));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${awsPort}`,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  });
  return { start, kill, remove: () => rmSync(data, { recursive: true, force: true }) };
};

/** Everybody's receiver, in this process; which project it is for is in the body. */
const receivers = async (answer: Answer) => {
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { data } = bodySchema.parse(JSON.parse(Buffer.concat(chunks).toString("utf8")));
      const [n] = data.instance_ids;
      answer({ project: data.project_id, session: data.session_id, n: Number(n) }, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** Stores the event as the engine does; tried again while the service is away. */
const happen = async (table: Table, { project, session, n }: Happening): Promise<void> => {
  const event = putEvent(table, `S#${session}`, {
    schema: 1,
    type: "maintenance.scheduled",
    entity: `${session}/${project}`,
    sequence: n,
    at: new Date().toISOString(),
    detail: {
      service: "lull",
      project_id: project,
      session_id: session,
      state: "PLANNED_MAINTENANCE",
      instance_ids: [String(n)],
      allowed_actions: [],
      actions_at: null,
      reply_at: null,
      metadata: {},
    },
  });
  for (;;)
    try {
      await transact(table, [event]);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
};

/** A Lull, projects with one webhook each, and their receivers. */
export const deliveryStage = async (projects: readonly string[], answer: Answer) => {
  const lull = await lullProcess();
  const inbox = await receivers(answer);
  const table = openTable(TABLE);
  for (const project_id of projects)
    await subscriptionStore(table).add(
      {
        schema: 1,
        subscription_id: crypto.randomUUID(),
        project_id,
        url: inbox.url,
        events: ["maintenance.scheduled"],
        description: "",
        created_at: new Date().toISOString(),
        created_by: "bench",
      },
      1,
    );
  return {
    happen: (happening: Happening) => happen(table, happening),
    killAndStart: async () => {
      await lull.kill();
      await lull.start();
    },
    close: async () => {
      await lull.kill();
      inbox.close();
      lull.remove();
    },
  };
};
