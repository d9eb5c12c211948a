import { createServer, type IncomingMessage } from "node:http";
import { Webhook } from "standardwebhooks";
import { createSubscription } from "../../lib/client/subscriptions.ts";
import type { CloudConfig } from "../../lib/openstack/cloud.ts";
import { type Clock, sleep } from "../../localstack/clock.ts";
import type { Permission } from "../../localstack/openstack/invariants/story.ts";
import type { Dialect } from "./dialects.ts";
import { type Called, openProject, type Project } from "./project.ts";
import { CrashError, type Temper } from "./tempers.ts";
import { type Told, toldByAlarm, toldByWebhook } from "./told.ts";

/** What a manager went through, each at an instant of the clock. */
type Entry = { readonly at: number } & (
  | { readonly kind: "told"; readonly told: Told }
  | { readonly kind: "did"; readonly what: string }
  | {
      readonly kind: "said";
      readonly told: Told;
      /** The instances that it is about. */
      readonly ids: readonly string[];
      readonly url: string;
      readonly body: Readonly<Record<string, unknown>>;
      readonly answer: Called;
    }
  | { readonly kind: "choked"; readonly why: unknown }
);

export type ManagerOptions = {
  /** As its project's member. */
  readonly config: CloudConfig;
  readonly clock: Clock;
  readonly dialect: Dialect;
  readonly temper: Temper;
  /** Where Lull's API is, for one that subscribes there; otherwise it listens by an alarm of Aodh. */
  readonly lull?: string;
  /** 0 or absent: any free port. */
  readonly port?: number;
};

export type Manager = {
  readonly journal: readonly Entry[];
  readonly project: Project;
  readonly told: (state?: string) => Told[];
  /** What its project allowed, by its own account: what the judge of a session goes by. */
  readonly permissions: () => Permission[];
  /** Its port is closed; its subscription remains. */
  readonly close: () => Promise<unknown>;
};

const RETRY_MS = 5_000;

/** A webhook whose signature is not the subscription's. */
export class ForgedError extends Error {
  override readonly name = "ForgedError";
}

/** The manager of one project's applications, over HTTP: it hears, acts by its temper, and answers. */
export const startManager = async ({
  config,
  clock,
  dialect,
  temper,
  lull,
  port = 0,
}: ManagerOptions): Promise<Manager> => {
  const project = openProject(config, clock);
  const journal: Entry[] = [];
  let secret: string | undefined;
  /** By `webhook-id`: a message may come again, and is taken once. */
  const [known, taken] = [new Set<string>(), new Set<string>()];

  const say = async (told: Told, ids: readonly string[], body: object): Promise<void> => {
    const { reply_url: url } = told;
    for (let tries = 1; ; tries++) {
      // Lull may act on it before its answer is here.
      const at = clock.now();
      const answer = await project.send("PUT", url, body);
      journal.push({ at, kind: "said", told, ids, url, body: { ...body }, answer });
      if (answer.status === 200 || tries >= dialect.tries) return;
      await sleep(clock, RETRY_MS);
    }
  };

  const take = async (told: Told): Promise<void> => {
    const note = (what: string) => void journal.push({ at: clock.now(), kind: "did", what });
    const ids = await dialect.subjectsOf(told, project);
    const word = await temper({ told, ids, project, clock, note });
    if (word !== null) for (const one of dialect.write(told, word, ids)) await say(told, ids, one);
  };

  const hear = async (request: IncomingMessage): Promise<void> => {
    const text = await textOf(request);
    if (secret === undefined) {
      const told = toldByAlarm(JSON.parse(text));
      journal.push({ at: clock.now(), kind: "told", told });
      return take(told);
    }
    const id = checkSigned(secret, request, text, clock.now());
    const told = toldByWebhook(JSON.parse(text));
    if (!known.has(id)) journal.push({ at: clock.now(), kind: "told", told });
    known.add(id);
    if (taken.has(id)) return;
    taken.add(id);
    try {
      await take(told);
    } catch (error) {
      taken.delete(id);
      throw error;
    }
  };

  const server = createServer((request, response) => {
    hear(request).then(
      () => response.writeHead(200).end(),
      (error: unknown) => {
        journal.push({ at: clock.now(), kind: "choked", why: error });
        if (!(error instanceof CrashError)) return response.writeHead(500).end();
        response.destroy();
        return server.close();
      },
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", () => resolve());
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? (address?.port ?? port) : port}`;
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  try {
    if (lull === undefined) await project.subscribe(`${url}/maintenance`);
    else {
      const api = { endpoint: lull, token: project.token };
      secret = (await createSubscription(api, { url: `${url}/maintenance` })).secret;
    }
  } catch (error) {
    await close();
    throw error;
  }

  return {
    journal,
    project,
    told: (state) =>
      journal.flatMap((one) =>
        one.kind === "told" && (state === undefined || one.told.state === state) ? [one.told] : [],
      ),
    permissions: () => journal.flatMap(permissionsIn),
    close,
  };
};

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};

/** How old a message may be, in seconds. */
const TOLERANCE = 300;

/**
 * The signature by the manager's own clock: a verifier's of the library is the machine's.
 *
 * @returns the message's id
 */
const checkSigned = (
  secret: string,
  { headers }: IncomingMessage,
  text: string,
  now: number,
): string => {
  const [id = "", timestamp, signature] = ["id", "timestamp", "signature"].map((name) =>
    String(headers[`webhook-${name}`]),
  );
  const at = Number(timestamp) * 1000;
  if (!(Math.abs(now - at) <= TOLERANCE * 1000)) throw new Error(`it is of ${timestamp}`);
  const right = new Webhook(secret).sign(id, new Date(at), text);
  if (signature !== right) throw new ForgedError("it is not signed by Lull");
  return id;
};

/** What an accepted word allows; one that names no action allows nothing that interrupts. */
const permissionsIn = (entry: Entry): Permission[] => {
  if (entry.kind !== "said" || entry.answer.status !== 200) return [];
  const { at, body, ids } = entry;
  if (!String(body["state"]).startsWith("ACK_P")) return [];
  const chosen = new Map(Object.entries(Object(body["instance_actions"])));
  return ids.map((instance_id) => ({
    at,
    instance_id,
    action: String(body["instance_action"] ?? chosen.get(instance_id) ?? "LIVE_MIGRATE"),
  }));
};
