import { expect, test } from "vitest";
import { getMaintenanceDetail } from "../../lib/client/maintenance.ts";
import { createSubscription } from "../../lib/client/subscriptions.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { startReceiver } from "../delivery/receiver.ts";
import { lullHere } from "../lib/cli/lull.ts";
import { quickCloud } from "./quick-cloud.ts";
import { type Play, theStage } from "./stage.ts";

const onStage = theStage({
  cloud: quickCloud({ hosts: 4, instances: 8 }),
  settings: { LULL_EGRESS_ALLOW: "127.0.0.0/8", LULL_AODH: "off" },
});

/** The command as the one user of a project gives it. */
const commandOf = ({ simulator, apiAs, clock }: Play, name: string) => {
  const config = simulator.tenants[name];
  const project = simulator.world.projects.find((one) => one.name === name)?.id ?? "";
  if (config === undefined) throw new Error(`there is no project ${name}`);
  const api = apiAs(config);
  const env = {
    LULL_ENDPOINT: api.endpoint,
    OS_AUTH_URL: config.auth_url,
    OS_USERNAME: config.username ?? "",
    OS_PASSWORD: config.password ?? "",
    OS_PROJECT_NAME: config.project_name ?? "",
    OS_REGION_NAME: "RegionOne",
  };
  const lull = (...args: string[]) => lullHere(args, { now: () => clock.now(), env });
  return { api, project, lull };
};

const commandOfAdmin = async ({ api, clock }: Play, ...args: string[]) =>
  lullHere([...args, "--endpoint", api.endpoint], {
    now: () => clock.now(),
    env: { LULL_TOKEN: await api.token() },
  });

test(
  "a project is asked by its webhook, sees until when, chooses, and is told that it is done",
  onStage(async (play) => {
    const receiver = await startReceiver();
    const alpha = commandOf(play, "alpha");
    const isOn = (host: string) =>
      [...play.simulator.world.instances.values()].filter(
        (one) => one.project_id === alpha.project && one.host === host,
      );
    const [vm] = isOn("cmp-01");
    if (vm === undefined) throw new Error("cmp-01 has no instance of alpha");
    await createSubscription(alpha.api, { url: receiver.url });
    const id = await play.open({
      hosts: ["cmp-01"],
      workflow: "vnf",
      dialogue: { reply_seconds: 3600, silent: "skip" },
    });
    const short = id.slice(0, 8);

    await waitFor(
      "the question",
      async () => receiver.received.find(({ body }) => body.data.state === "PREPARE_MAINTENANCE"),
      60_000,
    );
    const asked = await alpha.lull("project", "status", short);
    expect(asked.out).toMatch(/^asked: PREPARE_MAINTENANCE, these have to leave their host$/m);
    expect(asked.out).toContain("choose from MIGRATE, LIVE_MIGRATE, OWN_ACTION");
    expect(asked.out).toContain(`do: lull project ack ${short}`);
    const why = await waitFor(
      "the host to say whose word it waits for",
      async () => {
        const { out } = await commandOfAdmin(play, "why", "cmp-01");
        return out.includes("its owner has time until") ? out : undefined;
      },
      60_000,
    );
    expect(why).toContain(`details: ${vm.name} of project ${alpha.project}: its owner`);
    expect(why).toContain("do: nothing to type");

    const chosen = await alpha.lull("project", "choose", short, `${vm.name}=LIVE_MIGRATE`);
    expect(chosen).toMatchObject({ code: 0, err: "" });
    expect(chosen.out).toBe(`ACK_PREPARE_MAINTENANCE for ${vm.name}: taken`);
    const { detail } = await play.when(id, "the session to say that it is over", ({ attention }) =>
      attention.some(({ message }) => message.includes("to answer MAINTENANCE_COMPLETE")),
    );
    expect((await getMaintenanceDetail(play.api, id)).asking?.project_ids).toEqual([alpha.project]);
    expect(detail.instances.find((one) => one.instance_id === vm.id)).toMatchObject({
      state: "moved",
      action: "LIVE_MIGRATE",
    });
    expect((await alpha.lull("project", "ack", short)).code).toBe(0);
    await play.ended(id);
    await receiver.close();

    const states = receiver.received.map(({ body }) => body.data.state);
    expect(states).toContain("INSTANCE_ACTION_DONE");
    expect(states.at(-1)).toBe("MAINTENANCE_COMPLETE");
    const late = await alpha.lull("project", "ack", short);
    expect(late).toMatchObject({ code: 1, out: "" });
    expect(late.err).toContain("nothing is asked of your project");
    expect((await getMaintenanceDetail(play.api, id)).asking).toBeNull();
  }),
);

test(
  "an owner that refused is asked anew when its host is retried",
  onStage(async (play) => {
    const receiver = await startReceiver();
    const alpha = commandOf(play, "alpha");
    await createSubscription(alpha.api, { url: receiver.url });
    const id = await play.open({
      hosts: ["cmp-02"],
      dialogue: { reply_seconds: 3600, scale_seconds: 5, refused: "skip" },
    });
    const answered = (word: "ack" | "nack", ...more: string[]) =>
      waitFor(
        "the question",
        async () => {
          const args = ["project", word, id, "--state", "PREPARE_MAINTENANCE", ...more];
          return (await alpha.lull(...args)).code === 0 || undefined;
        },
        60_000,
      );

    await answered("nack", "--reason", "busy hour");
    const refused = await play.ended(id);
    expect(refused.detail.hosts[0]).toMatchObject({ outcome: "restored" });
    const retry = ["maintenance", "retry", id, "cmp-02", "--yes"];
    expect(await commandOfAdmin(play, ...retry)).toMatchObject({ code: 0, err: "" });
    await answered("ack");
    await play.when(id, "the host to be maintained", ({ hosts }) =>
      hosts.every(({ outcome }) => outcome === "maintained"),
    );
    await play.ended(id);
    await receiver.close();
  }),
);
