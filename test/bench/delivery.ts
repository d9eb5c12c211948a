import type { ServerResponse } from "node:http";
import { deliveryStage, type Happening } from "./delivery-stage.ts";
import type { Table } from "./figure.ts";

const PROJECTS = Array.from({ length: 50 }, (_, n) => `project-${n}`);
const HANGING = new Set(PROJECTS.slice(0, 10));
const EVENTS_EACH = 20;
const EVENTS_A_SECOND = 4;

/** Of the run with kills: 500 lanes. */
const STORED_A_SECOND = 10;
const SESSIONS = Array.from({ length: 10 }, (_, n) => `session-${n}`);
/** Of one delivery: the pause after a fourth one is five minutes, and would be all that is measured. */
const MOST_FAILURES = 3;
/** Shares of the deliveries that were taken when the service is killed. */
const KILLS_AFTER = [0.2, 0.6];
const PATIENCE_MS = 20 * 60_000;
const LOOK_EVERY_MS = 500;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const idOf = ({ project, session, n }: Happening) => `${project} ${session} ${n}`;
const take = (response: ServerResponse) => void response.writeHead(204).end();

/** How long it takes until a change that is being stored is with its receiver, while others hang. */
export const delivery = async (): Promise<Table> => {
  const began = new Map<string, number>();
  const took = new Map<string, number>();
  const stage = await deliveryStage(PROJECTS, (happening, response) => {
    const id = idOf(happening);
    if (!took.has(id)) took.set(id, performance.now() - (began.get(id) ?? 0));
    if (!HANGING.has(happening.project)) take(response);
  });
  const tell = async (project: string, session: string, n: number) => {
    const happening = { project, session, n };
    began.set(idOf(happening), performance.now());
    await stage.happen(happening);
  };
  // Whatever is slow once only, for as long as it is: clients, connections, compiled code.
  for (const project of PROJECTS.slice(-20)) await tell(project, "warm-up", 0);
  await pause(3_000);
  const prompt: Happening[] = [];
  const told: Promise<void>[] = [];
  for (let n = 0; n < EVENTS_EACH; n++)
    for (const project of PROJECTS) {
      if (!HANGING.has(project)) prompt.push({ project, session: "bench", n });
      told.push(tell(project, "bench", n));
      await pause(1_000 / EVENTS_A_SECOND);
    }
  await Promise.all(told);
  await pause(5_000);
  await stage.close();
  const all = prompt.map((happening) => took.get(idOf(happening)) ?? Number.POSITIVE_INFINITY);
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) =>
    `${(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(0)} ms`;
  const what = `${PROJECTS.length * EVENTS_EACH} events, ${EVENTS_A_SECOND} a second, to ${PROJECTS.length} receivers of which ${HANGING.size} hang`;
  return [
    ["figure", "measured", "bar"],
    [`${what}: change to socket, p50`, at(0.5), ""],
    ["the same, p99", at(0.99), "< 1 s"],
    ["the same, longest", at(1), ""],
  ];
};

/** What is left of many deliveries when every fifth answer is a failure and the service is killed. */
export const deliveryKills = async (eventsEach: number): Promise<Table> => {
  const taken = new Set<string>();
  const failures = new Map<string, number>();
  const newest = new Map<string, number>();
  let requests = 0;
  let backwards = 0;
  const stage = await deliveryStage(PROJECTS, (happening, response) => {
    requests += 1;
    const failed = failures.get(idOf(happening)) ?? 0;
    if (requests % 5 === 0 && failed < MOST_FAILURES) {
      failures.set(idOf(happening), failed + 1);
      return void response.writeHead(500).end();
    }
    const lane = `${happening.project} ${happening.session}`;
    if (!taken.has(idOf(happening)) && happening.n < (newest.get(lane) ?? 0)) backwards += 1;
    newest.set(lane, Math.max(happening.n, newest.get(lane) ?? 0));
    taken.add(idOf(happening));
    take(response);
  });
  const began = performance.now();
  const left = Array.from({ length: eventsEach }, (_, n) =>
    SESSIONS.flatMap((session) => PROJECTS.map((project) => ({ project, session, n }))),
  ).flat();
  const wanted = left.length;
  const write = async () => {
    const written: Promise<void>[] = [];
    for (const happening of left) {
      written.push(stage.happen(happening));
      await pause(1_000 / STORED_A_SECOND);
    }
    await Promise.all(written);
  };
  const writing = write();
  const kills = [...KILLS_AFTER];
  while (taken.size < wanted && performance.now() - began < PATIENCE_MS) {
    if (taken.size >= wanted * (kills[0] ?? 1)) {
      kills.shift();
      await stage.killAndStart();
    }
    await pause(LOOK_EVERY_MS);
  }
  await writing;
  const seconds = (performance.now() - began) / 1_000;
  await stage.close();
  const what = `${wanted} deliveries, every fifth answer a failure, ${KILLS_AFTER.length - kills.length} kill -9`;
  return [
    ["figure", "measured", "bar"],
    [`${what}: lost`, String(wanted - taken.size), "0"],
    ["the same, out of order in their lane", String(backwards), "0"],
    ["the same, requests made", String(requests), ""],
    ["the same, until the last was taken", `${seconds.toFixed(0)} s`, ""],
  ];
};
