import { afterAll, beforeAll, expect, test } from "vitest";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { httpTransport, type Transport } from "../../lib/openstack/transport.ts";
import { openLook } from "../../lib/steps/can-be-emptied.ts";
import type { SessionContext } from "../../lib/steps/session-step.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { type Simulator, startSimulator } from "../../localstack/openstack/simulator.ts";
import { aClaimedSession, aHost, at } from "../domain/builders.ts";
import { quickCloud } from "../end-to-end/quick-cloud.ts";

const MEMBERS = 12;
const group = "spread";

/** Each host bears a member of a group that is to stay apart. */
const cloud = {
  ...quickCloud({ hosts: MEMBERS, instances: 0, projects: 0 }),
  projects: [{ name: "p", user: "user-of-p" }],
  groups: [{ name: group, project: "p", policy: "anti-affinity" as const }],
};
for (const { name } of cloud.hosts)
  cloud.instances.push({ name: `on_${name}`, project: "p", flavor: "m1.tiny", host: name, group });

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ clock: scaledClock(), cloud });
});
afterAll(() => simulator.close());

const room = (host: string) => ({
  host,
  zone: "nova",
  capacity: { MEMORY_MB: 8_192, VCPU: 8 },
  used: { MEMORY_MB: 0, VCPU: 0 },
  takes: true,
  leaves: false,
});
const inZone = (host: string) => aHost(host, { place: at("nova") });

/** The cloud, and what was asked of it: each server by its id, and how many at once at most. */
const countedCloud = () => {
  const send = httpTransport({});
  const asked: string[] = [];
  let open = 0;
  const counts = { asked, most: 0 };
  const transport: Transport = async (request) => {
    const [, id] = /\/servers\/([0-9a-f-]{36})$/.exec(request.url) ?? [];
    if (id === undefined) return send(request);
    asked.push(id);
    open += 1;
    counts.most = Math.max(counts.most, open);
    try {
      return await send(request);
    } finally {
      open -= 1;
    }
  };
  return { cloud: openCloud(simulator.config, { transport }), counts };
};

test("hosts that are looked at in one step ask once where each member of a group is, a few at a time", async () => {
  const { cloud: counted, counts } = countedCloud();
  const context = { cloud: async () => counted, session: aClaimedSession() };
  const rooms = ["cmp-01", "cmp-02", "cmp-03"].map(room);
  const look = await openLook(context as unknown as SessionContext, rooms);

  const misfits = [await look(inZone("cmp-01")), await look(inZone("cmp-02"))];

  expect(misfits.map((misfit) => misfit?.lacks.VCPU)).toEqual([1, 1]);
  expect(counts.asked).toHaveLength(MEMBERS);
  expect(counts.most).toBeLessThanOrEqual(8);
});
