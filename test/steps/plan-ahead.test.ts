import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type GroupConstraints, readGroup, readInstance } from "../../lib/domain/constraints.ts";
import { openCloud } from "../../lib/openstack/cloud.ts";
import { planAhead, type Sources } from "../../lib/steps/plan-ahead.ts";
import { constraintStore } from "../../lib/store/constraints.ts";
import { hostRunStore } from "../../lib/store/host-runs.ts";
import { hostStore } from "../../lib/store/hosts.ts";
import { moveStore } from "../../lib/store/moves.ts";
import { ownership } from "../../lib/store/ownership.ts";
import { sessionStore } from "../../lib/store/sessions.ts";
import { virtualClock } from "../../localstack/clock.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudOf, type InstanceSpec } from "../../localstack/openstack/spec.ts";
import { aDevice, aSession, NOW } from "../domain/builders.ts";
import { type DynamoDb, startDynamoDb } from "../store/dynamodb.ts";

let dynamodb: DynamoDb;
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());

type Given = {
  readonly hosts: number;
  readonly instances: readonly Pick<InstanceSpec, "name" | "host">[];
  /** What the owner of all of them says of the group that they are in. */
  readonly group: Partial<GroupConstraints>;
};

/** Plans a session of cmp-01. */
const planned = async ({ hosts, instances, group }: Given) => {
  const spec = cloudOf({ hosts, instances: 0 });
  const simulator = await startSimulator({
    clock: virtualClock(Date.parse(NOW)),
    cloud: {
      ...spec,
      instances: instances.map((one) => ({ project: "alpha", flavor: "m1.tiny", ...one })),
    },
  });
  onTestFinished(simulator.close);
  const table = dynamodb.newTable();
  const inventory = hostStore(table);
  for (const { name, node_id } of simulator.world.hosts.values())
    await inventory.create(
      aDevice(name, {
        hypervisor: { id: node_id, hostname: name, type: "fake", version: 1_000 },
      }),
    );
  const constraints = constraintStore(table);
  const caps = { lead_time: 600, max_interruption_time: 600, recovery_time: 600 };
  for (const { id, project_id } of simulator.world.instances.values()) {
    const by = { project_id, now: NOW, caps };
    const said = readInstance({ group_id: GROUP }, { id, ...by }).constraints;
    await constraints.instances.put(said, 100);
    await constraints.groups.put(readGroup(group, { id: GROUP, ...by }).constraints, 100);
  }
  const sources: Sources = {
    settings: { LULL_HOST_MIGRATIONS: 1, LULL_HEARTBEAT_SECONDS: 10 } as Sources["settings"],
    sessions: sessionStore(table),
    constraints,
    hostRuns: hostRunStore(table),
    moves: moveStore(table),
    inventory,
    owners: ownership(table),
    cloud: async () => openCloud(simulator.config),
  };
  const session = aSession({ hosts: ["cmp-01"], reserve_hosts: 0 });
  return planAhead(sources, session, NOW);
};

const GROUP = "5b0c7e0a-6d0a-4f3e-9a43-0f6f1f1f7a11";

describe("members of an owner's group on hosts that are not maintained", () => {
  const instances = [
    { name: "a", host: "cmp-01" },
    { name: "b", host: "cmp-02" },
  ];

  test("are counted where a host bears only so many", async () => {
    const group = { max_instances_per_host: 1 };
    const { courses } = await planned({ hosts: 3, instances, group });
    const { findings } = await planned({ hosts: 2, instances, group });

    expect(courses.fastest.operations).toContainEqual(
      expect.objectContaining({ what: "move", instance_name: "a", to: "cmp-03" }),
    );
    expect(findings.outcomes.fastest.blocked).toMatchObject([
      { host: "cmp-01", instance_name: "a", rule: "max_instances_per_host" },
    ]);
  });

  test("keep others away where they are to stay apart", async () => {
    const { findings } = await planned({
      hosts: 2,
      instances,
      group: { anti_affinity_group: true },
    });

    expect(findings.outcomes.fastest.blocked).toMatchObject([
      { host: "cmp-01", instance_name: "a", rule: "anti-affinity" },
    ]);
  });
});
