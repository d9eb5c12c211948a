import { createMaintenance } from "../lib/client/maintenance.ts";
import { happeningsOf, minutes } from "./demo/progress.ts";
import { bold, dim, hostTable, verdict } from "./demo/report.ts";
import { readSession } from "./demo/session-story.ts";
import { openStage, type Stage, waitFor } from "./demo/stage.ts";
import { readCloud, type SessionStory } from "./openstack/invariants/story.ts";
import { cloudOf } from "./openstack/spec.ts";

/** Cloud and Lull live so many times as fast as the spectator. */
const SPEED = 30;
/** What stands for the work on a host, in seconds of the cloud. */
const WORK_SECONDS = 60;
/** How long the session may take, of real time; a small machine needs a quarter of it. */
const PATIENCE_MS = 120_000;

const say = (text = ""): void => console.log(text);

/** Prints what happens in the session, as it happens, until it is over. */
const follow = (api: Stage["api"], sessionId: string): Promise<SessionStory> => {
  const said = new Set<string>();
  let last: SessionStory | undefined;
  return waitFor(
    () => `the session to end: ${last ? standOf(last) : "it never answered"}`,
    async () => {
      const story = await readSession(api, sessionId);
      last = story;
      const { state, created_at } = story.detail.session;
      for (const { at, host, text } of happeningsOf(story)) {
        if (said.has(host + text)) continue;
        said.add(host + text);
        say(`  ${dim(minutes(Date.parse(at) - Date.parse(created_at)))}  ${bold(host)} ${text}`);
      }
      return state === "MAINTENANCE_DONE" || state === "MAINTENANCE_FAILED" ? story : undefined;
    },
    PATIENCE_MS,
  );
};

const standOf = ({ detail }: SessionStory): string =>
  detail.hosts.map(({ hostname, phase }) => `${hostname} ${phase}`).join(", ");

/** Maintains every host of the cloud. @returns whether all went as promised */
const perform = async ({ api, clock, simulator, watch }: Stage): Promise<boolean> => {
  const { hosts, instances } = (await readCloud(simulator.url)).world;
  const projects = new Set(instances.map(({ project_id }) => project_id)).size;
  say(
    `A cloud of ${hosts.length} hosts with ${instances.length} instances of ${projects} projects, ` +
      `${SPEED} times as fast as a real one.`,
  );
  const violations = await watch();
  const sessionId = await createMaintenance(api, {
    hosts: hosts.map(({ name }) => name),
    maintenance_at: new Date(clock.now()).toISOString(),
    max_parallel_hosts: 2,
    canary: true,
    soak_minutes: 1,
    reserve_hosts: 1,
    actions: [{ plugin: "hold", metadata: { seconds: WORK_SECONDS } }],
    reason: "demo",
  });
  say(`One session maintains all of them, two at a time: ${sessionId}\n`);
  const story = await follow(api, sessionId);
  const broken = await violations([sessionId]);
  const { state } = story.detail.session;
  say(`\n${hostTable(story, (await readCloud(simulator.url)).world)}`);
  for (const { code, message } of story.detail.attention)
    say(`\nNeeds a human: ${code}: ${message}`);
  say(`\nThe session is ${bold(state)}. The cloud's own journal says:`);
  say(verdict(broken));
  return state === "MAINTENANCE_DONE" && broken.length === 0;
};

const began = performance.now();
say(dim("Building Lull and a simulated cloud ..."));
const play = async (): Promise<boolean> => {
  const stage = await openStage({ cloud: cloudOf({ hosts: 6, instances: 24 }), speed: SPEED });
  try {
    return await perform(stage);
  } finally {
    await stage.close();
  }
};
const good = await play().catch((error: unknown) => {
  say(`\n${error instanceof Error ? error.message : error}`);
  return false;
});
const seconds = Math.round((performance.now() - began) / 1_000);
say(good ? `\nDone in ${seconds} s.` : `\nThe demo failed after ${seconds} s.`);
process.exitCode = good ? 0 : 1;
