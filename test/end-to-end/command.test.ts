import { expect, test } from "vitest";
import { commandOf } from "./by-command.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({ cloud: quickCloud({ hosts: 6, instances: 12 }) });

const isHeld =
  (host: string) =>
  ({ attention }: { attention: readonly { code: string; host: string | null }[] }) =>
    attention.some((item) => item.code === "host_held" && item.host === host);

test(
  "a night on the command line: told, paused, explained, released and handed over",
  onStage(async (play) => {
    const lull = commandOf(play);
    const id = await play.open({ hosts: ["cmp-01"], actions: [{ plugin: "hold", metadata: {} }] });
    await play.when(id, "the host to be held", isHeld("cmp-01"));

    const show = await lull("maintenance", "show", id);
    expect(show.out).toMatch(/^session \w{8} {2}\w+ {2}0% {2}1 held/);
    expect(show.out).toMatch(/do: lull maintenance release \w{8} cmp-01$/m);
    expect((await lull("why", "cmp-01")).out).toMatch(/^do: lull maintenance release/m);

    const paused = await lull("maintenance", "pause", id, "--reason", "storm");
    expect(paused.out).toContain("stays changed: cmp-01 stays disabled: IN_MAINTENANCE");
    expect((await lull("why", "cmp-01")).out).toContain("PAUSED by admin");

    const orphans = await lull("orphans", "-f", "json");
    expect(orphans.code).toBe(4);
    expect(JSON.parse(orphans.out)).toMatchObject([
      { kind: "host_disabled", host: "cmp-01", session_id: id },
    ]);

    expect(await lull("maintenance", "resume", id, "--yes")).toMatchObject({ code: 0 });
    expect(await lull("maintenance", "release", id, "cmp-01", "--yes")).toMatchObject({ code: 0 });
    await play.ended(id);

    const { out } = await lull("report", id, "--explain");
    expect(out).toContain("MAINTENANCE_DONE (done), 1 of 1 host maintained");
    expect(out).toMatch(/paused by admin: storm$/m);
    expect(out).toMatch(/^openstack compute service set --enable cmp-01 nova-compute$/m);
    for (const { requestId } of play.simulator.journal)
      if (requestId !== null) expect(out).toContain(requestId);
    expect(await lull("orphans")).toMatchObject({ code: 0, out: "" });
  }),
);

test(
  "a frozen cloud stands still until it is thawed, and the command says by whom",
  onStage(async (play) => {
    const lull = commandOf(play);
    expect(await lull("freeze", "--reason", "storage outage")).toMatchObject({ code: 0 });
    const id = await play.open({ hosts: ["cmp-02"] });
    await play.when(id, "the freeze to be told", ({ attention }) =>
      attention.some(({ code }) => code === "frozen"),
    );
    const why = await lull("why", "cmp-02");
    expect(why.out).toContain("frozen by admin: storage outage");
    expect(why.out).toMatch(/^do: lull thaw$/m);
    expect((await lull("orphans")).code).toBe(0);
    expect((await lull("thaw", "--yes")).out).toContain("the cloud is thawed");
    expect((await play.ended(id)).detail.session.state).toBe("MAINTENANCE_DONE");
  }),
);
