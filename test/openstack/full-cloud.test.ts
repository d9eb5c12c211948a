import { expect, onTestFinished, test } from "vitest";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { readSession } from "../../localstack/demo/session-story.ts";
import { freePort } from "../../localstack/demo/stage.ts";
import { violationsIn } from "../../localstack/openstack/invariants.ts";
import { constrainAsDoctor } from "../managers/constraints.ts";
import { doctorVnfm } from "../managers/dialects.ts";
import { startManager } from "../managers/manager.ts";
import { outagesOf } from "../managers/outages.ts";
import { scaling, switching } from "../managers/tempers.ts";
import { deleteAlarms } from "./alarms.ts";
import { emptyCloud, fillCloud, hasRoom, PAIR } from "./full-cloud.ts";
import { labClouds } from "./lab.ts";
import { clearLeftovers, cloudConfigOf, startLullOnLab } from "./lull-on-lab.ts";
import { type World, watchCloud } from "./witness.ts";

const WITHIN_MS = 600_000;

/** Seconds for which the pair rests after a move of one of the two; Doctor's own. */
const RECOVERY = 4;

const DIALOGUE = [
  "MAINTENANCE",
  "SCALE_IN",
  "PREPARE_MAINTENANCE",
  "INSTANCE_ACTION_DONE",
  "PLANNED_MAINTENANCE",
  "MAINTENANCE_COMPLETE",
];

// Nothing routes in the lab, so no address can float: which one of the pair serves is what its manager
// has written into Nova, as metadata of the server.
test(
  "a cloud filled to the last processor is maintained: its manager makes room, and of an active and its standby one always serves",
  async () => {
    const admin = openCloud(await cloudConfigOf(labClouds.admin));
    const config = await cloudConfigOf(labClouds.alice);
    const alice = openCloud(config);
    await clearLeftovers(admin);
    await deleteAlarms(alice);
    onTestFinished(() => emptyCloud(admin, alice));
    const { hosts, pair, spare, group_id } = await fillCloud(admin, alice);
    expect(await hasRoom(admin)).toBe(false);

    const isSpare = ({ id }: { readonly id: string }) => spare.some((one) => one.id === id);
    const switchOver = switching(({ name }) => name.startsWith(PAIR), "LIVE_MIGRATE");
    const manager = await startManager({
      config,
      clock: scaledClock(),
      dialect: doctorVnfm,
      temper: scaling(2, isSpare, switchOver),
    });
    onTestFinished(async () => {
      await manager.close();
      await deleteAlarms(alice);
    });
    const port = await freePort();
    const settings = {
      LULL_PUBLIC_URL: `http://127.0.0.1:${port}`,
      LULL_EGRESS_ALLOW: "127.0.0.0/8",
      LULL_POLL_SECONDS: "1",
    };
    const lull = await startLullOnLab(labClouds.operator, settings, { port });
    onTestFinished(lull.close);
    const [{ id: a, project_id }, { id: b }] = pair;
    await constrainAsDoctor(
      manager.project,
      {
        lull: lull.url,
        group_id,
        project_id: project_id ?? "",
        max_impacted_members: 1,
        recovery: RECOVERY,
        lead: 1,
      },
      pair.map(({ id, name }) => ({ id, name: name ?? "" })),
    );

    const witness = await watchCloud(admin);
    onTestFinished(witness.stop);
    const session = await lull.open({
      hosts,
      profile: "doctor",
      workflow: "vnf",
      dialogue: { reply_seconds: 60, scale_seconds: 60 },
    });
    const { attention } = await lull.ended(session, WITHIN_MS - 90_000);
    const story = await readSession({ endpoint: lull.url, token: admin.token }, session);
    const testimony = await witness.testify([story], manager.permissions());

    expect(story.detail.session.state).toBe("MAINTENANCE_DONE");
    expect(attention).toEqual([]);
    expect(story.detail.hosts.map(({ outcome }) => outcome)).toEqual(hosts.map(() => "maintained"));
    const { history, before, after } = testimony;
    const instances = new Map(after.instances.map((one) => [one.id, one] as const));
    expect(violationsIn(testimony)).toEqual([]);
    expect(outagesOf({ history, instances }, [a, b])).toEqual([]);
    const moves = movesBetween(before, after);
    expect(moves.filter(({ status }) => status !== "completed")).toEqual([]);
    const ofPair = moves.filter(({ instance_id }) => instance_id === a || instance_id === b);
    expect(ofPair.map(({ instance_id }) => instance_id).toSorted()).toEqual([a, b].toSorted());
    expect(restsBetween(ofPair).filter((seconds) => seconds < RECOVERY - 1)).toEqual([]);

    expect([...new Set(manager.told().map(({ state }) => state))]).toEqual(DIALOGUE);
    expect(manager.told("SCALE_IN")).toHaveLength(1);
    expect(manager.journal.filter(({ kind }) => kind === "choked")).toEqual([]);
    const did = manager.journal.flatMap((one) => (one.kind === "did" ? [one.what] : []));
    expect([did.at(0), did.at(-1)]).toEqual(["scaled in by 2", "scaled out by 2"]);
    // Once or twice, as the host of the active one comes after that of its standby or before it.
    const switched = did.slice(1, -1);
    expect(switched.length).toBeGreaterThan(0);
    expect(switched.filter((what) => !what.startsWith("switched over"))).toEqual([]);

    expect(await hasRoom(admin)).toBe(false);
    expect(namesIn(after)).toEqual(namesIn(before));
  },
  WITHIN_MS,
);

/** In the order in which they began. */
const movesBetween = (before: World, after: World): World["migrations"] => {
  const old = new Set(before.migrations.map(({ id }) => id));
  return after.migrations.filter(({ id }) => !old.has(id)).toSorted((a, b) => a.id - b.id);
};

/** From the end of one move to the next one's beginning: by Nova, which writes whole seconds. */
const restsBetween = (moves: World["migrations"]): number[] =>
  moves.slice(1).map(({ created_at }, n) => (created_at - (moves[n]?.updated_at ?? 0)) / 1000);

/** Of the servers that run. */
const namesIn = ({ instances }: World): string[] =>
  instances
    .filter(({ vm_state }) => vm_state === "active")
    .map(({ name }) => name)
    .toSorted();
