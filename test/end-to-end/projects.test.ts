import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { releaseHost } from "../../lib/client/maintenance.ts";
import { createSubscription } from "../../lib/client/subscriptions.ts";
import { hostIdOf } from "../../lib/openstack/compute/host-id.ts";
import { startReceiver } from "../delivery/receiver.ts";
import { commandAs } from "./by-command.ts";
import { quickCloud } from "./quick-cloud.ts";
import { type Play, theStage } from "./stage.ts";

const cloud = quickCloud({ hosts: 5, instances: 12 });
cloud.hosts.push({ name: "cmp-lone" });
cloud.instances.push({ name: "beta-lone", project: "beta", flavor: "m1.tiny", host: "cmp-lone" });

const onStage = theStage({ cloud, settings: { LULL_EGRESS_ALLOW: "127.0.0.0/8" } });

/** Lull as the one user of a project sees it, by HTTP and by the command. */
const memberOf = ({ simulator, apiAs, clock }: Play, name: string) => {
  const config = simulator.tenants[name];
  const project = simulator.world.projects.find((one) => one.name === name);
  if (config === undefined || project === undefined) throw new Error(`there is no project ${name}`);
  const api = apiAs(config);
  const typed = commandAs({ api, clock }, config);
  /** All that it was ever told. */
  const told: string[] = [];
  return {
    api,
    project: project.id,
    told,
    get: async (path: string) => {
      const headers = { "x-auth-token": await api.token() };
      const response = await fetch(`${api.endpoint}${path}`, { headers });
      const text = await response.text();
      told.push(text);
      return { status: response.status, body: JSON.parse(text) };
    },
    lull: async (...args: string[]) => {
      const answer = await typed(...args);
      told.push(answer.out, answer.err);
      return answer;
    },
  };
};

const instancesOf = ({ simulator }: Play, project: string) =>
  [...simulator.world.instances.values()].filter(({ project_id }) => project_id === project);

const isHeld = ({ attention }: { attention: readonly { code: string }[] }) =>
  attention.some(({ code }) => code === "host_held");

test(
  "a session that touches no instance of a project does not show to it",
  onStage(async (play) => {
    const alpha = memberOf(play, "alpha");
    const beta = memberOf(play, "beta");
    const id = await play.open({ hosts: ["cmp-lone"] });
    await play.ended(id);

    expect((await beta.get(`/v1/maintenance/${id}/${beta.project}`)).status).toBe(200);
    expect((await alpha.get(`/v1/maintenance/${id}/${alpha.project}`)).status).toBe(404);
    expect((await beta.lull("project", "status", "-f", "json")).out).toContain(id);
    expect((await alpha.lull("project", "status", "-f", "json")).out).not.toContain(id);
  }),
);

test(
  "a project follows its own instances through a session and learns nothing else",
  onStage(async (play) => {
    const alpha = memberOf(play, "alpha");
    const beta = memberOf(play, "beta");
    const before = [alpha, beta].map(({ project }) =>
      instancesOf(play, project).filter(({ host }) => host === "cmp-01"),
    );
    const idsOf = (one: number) => (before[one] ?? []).map(({ id }) => id).toSorted();
    const id = await play.open({
      hosts: ["cmp-01"],
      actions: [{ plugin: "hold", metadata: {} }],
      reason: "the fan of cmp-01",
    });

    let over = false;
    const watching = (async () => {
      const seen = new Set<string>();
      while (!over)
        for (const member of [alpha, beta]) {
          const { body } = await member.get(`/v1/maintenance/${id}/${member.project}`);
          for (const { state } of body.instances ?? []) seen.add(state);
          await member.get("/v1/maintenance");
          await member.get(`/status/project/${hostIdOf(member.project, "cmp-01")}`);
        }
      return seen;
    })();

    try {
      await play.when(id, "the host to be held", isHeld);
      const status = await alpha.get(`/status/project/${hostIdOf(alpha.project, "cmp-01")}`);
      expect(status.body).toMatchObject({ state: "in_maintenance", session_id: id });
      expect(status.body.instances.map((one: { state: string }) => one.state)).toEqual(
        idsOf(0).map(() => "moved"),
      );
      const listed = await alpha.lull("project", "status");
      expect(listed.out).toMatch(new RegExp(`${id}  PREPARE_MAINTENANCE.*\\d moved$`, "m"));
      const shown = await alpha.lull("project", "status", id.slice(0, 8), "-f", "json");
      const { instances } = JSON.parse(shown.out);
      expect(instances.map((one: { instance_id: string }) => one.instance_id)).toEqual(idsOf(0));

      await releaseHost(play.api, id, "cmp-01");
      await play.ended(id);
    } finally {
      over = true;
    }
    expect([...(await watching)]).toContain("moved");

    for (const [n, member] of [alpha, beta].entries()) {
      const { body } = await member.get(`/v1/maintenance/${id}/${member.project}`);
      expect(body).toMatchObject({
        state: "MAINTENANCE_COMPLETE",
        instance_ids: idsOf(n),
        instances_by_state: { moved: idsOf(n).length },
      });
      const gone = await member.get(`/status/project/${hostIdOf(member.project, "cmp-01")}`);
      expect(gone.status).toBe(404);
    }
    const unconcerned = await alpha.get(`/v1/maintenance/${id}/${beta.project}`);
    expect(unconcerned.status).toBe(403);

    const hosts = [...play.simulator.world.hosts.keys()];
    for (const [member, other] of [
      [alpha, beta],
      [beta, alpha],
    ] as const) {
      const told = member.told.join("\n");
      const theirs = instancesOf(play, other.project).flatMap(({ id: one, name }) => [one, name]);
      for (const secret of [...hosts, other.project, ...theirs]) expect(told).not.toContain(secret);
    }
  }),
);

test(
  "a project's webhook is told of its instances before they move, and of nobody else's",
  onStage(async (play) => {
    const receiver = await startReceiver();
    const beta = memberOf(play, "beta");
    const before = instancesOf(play, beta.project).filter(({ host }) => host === "cmp-02");
    const { secret } = await createSubscription(beta.api, { url: receiver.url });
    const dialogue = { reply_seconds: 5, scale_seconds: 5 };
    const id = await play.open({ hosts: ["cmp-02"], dialogue });
    await play.ended(id);
    await receiver.close();

    expect(before.length).toBeGreaterThan(0);
    const told = receiver.received.map(({ body }) => body.data);
    expect(told.map(({ state }) => state)).toEqual([
      "MAINTENANCE",
      "PREPARE_MAINTENANCE",
      ...before.map(() => "INSTANCE_ACTION_DONE"),
      "MAINTENANCE_COMPLETE",
    ]);
    for (const one of told) expect(one).toMatchObject({ project_id: beta.project, session_id: id });
    expect(told[1]?.instance_ids).toMatch(new RegExp(`/v1/maintenance/${id}/${beta.project}$`));
    const done = told.flatMap(({ state, instance_ids }) =>
      state === "INSTANCE_ACTION_DONE" ? instance_ids : [],
    );
    expect(done.toSorted()).toEqual(before.map((one) => one.id).toSorted());
    expect(receiver.received.map(({ text }) => text).join()).not.toContain("cmp-");
    const [first] = receiver.received;
    if (first === undefined) throw new Error("nothing was received");
    const { headers, text } = first;
    // Lull's clock runs fast here, and a verifier's own does not.
    const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
    const signature = new Webhook(secret).sign(headers["webhook-id"] ?? "", at, text);
    expect(headers["webhook-signature"]).toBe(signature);
  }),
);
