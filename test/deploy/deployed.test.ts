import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance } from "../../lib/client/maintenance.ts";
import type { Api } from "../../lib/client/request.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { readSession } from "../../localstack/demo/session-story.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { readCloud, storyBetween } from "../../localstack/openstack/invariants/story.ts";
import { violationsIn } from "../../localstack/openstack/invariants.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { quickCloud } from "../end-to-end/quick-cloud.ts";
import { type Order, report, startReceiver } from "../end-to-end/receiver.ts";
import { announced } from "../recorded/announced.ts";
import { type Account, openAccount } from "./account.ts";
import { type MiniStack, REGION, startMiniStack } from "./ministack.ts";
import { npmRun, type Release, today, withRecordedMachines } from "./release.ts";
import { findTools } from "./tools.ts";

const tools = await findTools();

const STAGE = "proof";
const NAME = `lull-${STAGE}`;
const PASSWORD = `canary-password-${randomBytes(12).toString("hex")}`;
const BREAK_GLASS = `canary-break-glass-${randomBytes(12).toString("hex")}`;
/** An admin may put a token in a webhook's address: it is kept in the session, and told to readers of it only. */
const QUERY = `canary-query-${randomBytes(12).toString("hex")}`;
/** Every token that the simulated Keystone gives, the engine's own among them. */
const TOKEN = /\bsim-[0-9a-f]{16,}/;
/** The release before: its state machines still run when the next one is deployed. */
const formerly = withRecordedMachines(1);
/** A state of a host's machine that the release before did not have. */
const NEW_STATE = "StartInstances";
const ENDED = new Set(["MAINTENANCE_DONE", "MAINTENANCE_FAILED"]);
/**
 * Of real time: beats of hosts, moves and ticks cannot be hurried here. MiniStack forgets records of
 * the stream that a function says it could not handle; what they told is found out 600 s later.
 */
const SESSION_PATIENCE_MS = 1_000_000;

describe.skipIf(tools === null)("deployed by the framework to an AWS that checks IAM", () => {
  let aws: MiniStack;
  let account: Account;
  let simulator: Simulator;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let api: Api;

  const operate = (release: Release, command: string, more: Record<string, string> = {}) =>
    npmRun(release, command, ["--stage", STAGE], {
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
      LULL_STAGE_KIND: "ephemeral",
      LULL_CLOUD: "simulated",
      LULL_AUTH_URL: simulator.authUrl,
      LULL_ALERTMANAGER_URL: simulator.alertmanagerUrl,
      LULL_MASAKARI: "true",
      LULL_EGRESS_ALLOW: "127.0.0.0/8",
      LULL_POLL_SECONDS: "2",
      LULL_BREAK_GLASS_SHA256: createHash("sha256").update(BREAK_GLASS).digest("hex"),
      POWERTOOLS_LOG_LEVEL: "DEBUG",
      ...more,
    });

  beforeAll(async () => {
    if (tools === null) return;
    aws = await startMiniStack(tools.ministack);
    account = openAccount(aws);
    const cloud = quickCloud({ hosts: 4, instances: 8 });
    // One on each host is bound to a device of it, so that each host comes to NEW_STATE.
    for (const { name } of cloud.hosts)
      cloud.instances.push({
        name: `fast-on-${name}`,
        project: "alpha",
        flavor: "m1.tiny",
        host: name,
        vnic_type: "direct",
      });
    simulator = await startSimulator({
      clock: scaledClock(),
      cloud: { ...cloud, password: PASSWORD },
    });
    receiver = await startReceiver();
    await account.createSecret("lull/cloud", JSON.stringify(simulator.config));
  });

  afterAll(async () => {
    await receiver?.close();
    await simulator?.close();
    await aws?.close();
    formerly.dispose();
  });

  /** Base URL of the deployed API where the emulator answers for it. */
  const apiUrl = async (): Promise<string> => {
    const stack = await account.stack(NAME);
    return `${aws.endpoint}/_aws/execute-api/${stack?.outputs["HttpApiId"]}`;
  };

  /** The order with this number, the first being 0; which host is ready first is the engine's to say. */
  const order = async (number: number): Promise<Order> => {
    try {
      const arrived = () => receiver.orders[number];
      return await waitFor(`order ${number} to arrive`, arrived, SESSION_PATIENCE_MS);
    } catch (cause) {
      const { detail } = await readSession(api, sessionId);
      const stand = JSON.stringify([detail.session.state, detail.hosts, detail.attention]);
      throw new Error(`order ${number} did not arrive: ${stand}`, { cause });
    }
  };

  const asked = async (path: string, headers: Record<string, string>): Promise<string> => {
    const response = await fetch(`${api.endpoint}${path}`, { headers });
    expect(response.status, path).toBe(200);
    return response.text();
  };

  let sessionId: string;
  let token: string;
  /** By place; read once, because who reads an event takes it. */
  let writings: Record<string, string[]> = {};

  test("a release is deployed, its API answers, and it reads the cloud", async () => {
    await operate(formerly, "deploy");
    const LULL_PUBLIC_URL = await apiUrl();
    expect(await operate(formerly, "deploy", { LULL_PUBLIC_URL })).toContain(NAME);
    expect((await account.stack(NAME))?.status).toBe("UPDATE_COMPLETE");
    await account.listenTo(NAME);

    const cloud = openCloud(simulator.config);
    token = await cloud.token();
    api = { endpoint: LULL_PUBLIC_URL, token: cloud.identity.token };
    const { sync_id } = await startSync(api);
    const sync = await waitFor(
      "the inventory to be read",
      async () => {
        const found = await getSync(api, sync_id);
        return found.state === "REQUESTED" ? undefined : found;
      },
      60_000,
    );
    expect(sync).toMatchObject({ state: "DONE", created: 4 });
  });

  test("a session is updated to today's release in the middle of its work, and keeps its promises", async () => {
    const before = await readCloud(simulator.url);
    sessionId = await createMaintenance(api, {
      hosts: before.world.hosts.map(({ name }) => name),
      max_parallel_hosts: 2,
      canary: false,
      soak_minutes: 0,
      reserve_hosts: 0,
      actions: [{ plugin: "webhook", metadata: { url: `${receiver.url}?token=${QUERY}` } }],
      policies: { device_bound: "stop_start" },
      reason: "proof of the deployment",
    });
    await announced(account.table(NAME), sessionId, new Date().toISOString(), 60_000);
    await order(0);
    await operate(today, "deploy", { LULL_PUBLIC_URL: await apiUrl() });
    expect((await account.stack(NAME))?.status).toBe("UPDATE_COMPLETE");
    for (const number of [0, 1, 2, 3]) {
      const work = await order(number);
      expect(await report(work, work.callback_token, { state: "DONE" })).toBe(200);
    }
    let last = "it never answered";
    const story = await waitFor(
      () => `the session to end: ${last}`,
      async () => {
        const found = await readSession(api, sessionId);
        last = JSON.stringify([found.detail.hosts, found.detail.attention]);
        return ENDED.has(found.detail.session.state) ? found : undefined;
      },
      SESSION_PATIENCE_MS,
    );

    expect(story.detail.session.state).toBe("MAINTENANCE_DONE");
    expect(story.detail.hosts.map(({ outcome }) => outcome)).toEqual(Array(4).fill("maintained"));
    expect(violationsIn(storyBetween(before, await readCloud(simulator.url), [story]))).toEqual([]);
    expect(await account.deadLetters(`${NAME}-dead-letters`)).toEqual([]);

    // Two hosts began before the update: their definition does not know NEW_STATE, so the tick hands
    // them to a next generation, which does.
    const began = Object.groupBy(await account.executions(`${NAME}-host`), ({ name, entered }) => {
      const generation = name.split("-").at(-1);
      return `${generation} ${entered.includes(NEW_STATE) ? "today" : "formerly"}`;
    });
    expect(began["1 formerly"]?.map(({ status }) => status)).toEqual(["FAILED", "FAILED"]);
    expect(began["2 today"]?.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    expect(began["1 today"]?.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    writings = await account.writings(NAME);
  });

  test("no role lacked a permission", () => {
    const denied = /AccessDenied|not authorized to perform/;
    expect(writings["logs"]?.filter((line) => denied.test(line))).toEqual([]);
    expect(aws.output()).not.toMatch(denied);
  });

  test("no secret is written down anywhere, and no answer tells one", async () => {
    const admin = { "x-auth-token": token };
    const answers = [];
    for (const path of [
      "/v1/hosts",
      `/v1/maintenance/${sessionId}`,
      `/v1/maintenance/${sessionId}/detail`,
      `/v1/maintenance/${sessionId}/events`,
      `/v1/maintenance/${sessionId}/hosts/cmp-01/effects`,
      "/status/cmp-01",
    ])
      answers.push(await asked(path, admin));
    answers.push(await asked("/v1/maintenance", { "x-lull-token": BREAK_GLASS }));

    const places = { ...writings, answers, output: [aws.output()] };
    const secrets = {
      "the cloud's password": PASSWORD,
      "the break-glass token": BREAK_GLASS,
      "a caller's token": token,
      ...Object.fromEntries(
        receiver.orders.map((order) => [`the callback of ${order.host}`, order.callback_token]),
      ),
    };
    // Who looks does find: these are known to be there.
    expect(token).toMatch(TOKEN);
    expect(writings["table"]?.filter((text) => text.includes(QUERY))).not.toEqual([]);
    for (const [place, texts] of Object.entries(places)) {
      expect(texts.length, `what is in ${place}`).toBeGreaterThan(0);
      expect(
        texts.filter((text) => TOKEN.test(text)),
        `tokens in ${place}`,
      ).toEqual([]);
      if (place !== "table" && place !== "answers")
        expect(
          texts.filter((text) => text.includes(QUERY)),
          `a webhook's query in ${place}`,
        ).toEqual([]);
      for (const [what, secret] of Object.entries(secrets))
        expect(
          texts.filter((text) => text.includes(secret)),
          `${what} in ${place}`,
        ).toEqual([]);
    }
  });

  test("removed, it leaves nothing behind", async () => {
    await operate(today, "remove");

    expect(await account.stack(NAME)).toBeNull();
    expect((await account.leftovers()).filter((name) => name.includes(NAME))).toEqual([]);
  });
});
