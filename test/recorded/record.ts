import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getSync, startSync } from "../../lib/client/hosts.ts";
import { createMaintenance, getMaintenanceDetail } from "../../lib/client/maintenance.ts";
import { scaledClock } from "../../localstack/clock.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { startSimulator } from "../../localstack/openstack/simulator.ts";
import { cloudNow, idsIn, MOMENTS, type Moment, type RawRow, startingCloud } from "./moments.ts";
import { openBareLull } from "./stage.ts";

/**
 * Records the rows that this code writes, at each moment of MOMENTS of one simulated session, into
 * a folder: `node test/recorded/record.ts test/recorded/schema-1`. Once per schema, before the
 * code that writes the next one.
 */
const record = async (folder: string): Promise<void> => {
  const clock = scaledClock(10);
  const data = mkdtempSync(join(tmpdir(), "lull-"));
  const simulator = await startSimulator({ clock, cloud: startingCloud() });
  const { stack, api } = await openBareLull({ clock, simulator, data, awsPort: 0 });
  const { sync_id } = await startSync(api);
  await waitFor(
    "the inventory",
    async () => ((await getSync(api, sync_id)).state === "DONE" ? true : undefined),
    20_000,
  );
  const moments = new Map<string, Omit<Moment, "session_id">>();
  const stop = stack.database.onStream((TableName) => {
    const { Items: rows } = stack.database.handle("Scan", {
      TableName,
      ConsistentRead: true,
    }) as { Items: RawRow[] };
    for (const [name, found] of Object.entries(MOMENTS))
      if (!moments.has(name) && found(rows))
        moments.set(name, {
          recorded_at: new Date(clock.now()).toISOString(),
          cloud: cloudNow(simulator),
          ids: idsIn(simulator),
          rows,
        });
  });
  const session_id = await createMaintenance(api, {
    hosts: ["cmp-01", "cmp-02"],
    reason: "new kernel",
    metadata: { openstack_release: "2026.2" },
    actions: [{ plugin: "hold", metadata: { seconds: 5 } }],
  });
  await waitFor(
    "the session to end",
    async () =>
      (await getMaintenanceDetail(api, session_id)).session.state === "MAINTENANCE_DONE"
        ? true
        : undefined,
    60_000,
  );
  stop();
  await stack.close();
  await simulator.close();
  rmSync(data, { recursive: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, { rows, ...moment }] of moments) {
    const lines = [{ session_id, ...moment }, ...rows].map((line) => `${JSON.stringify(line)}\n`);
    writeFileSync(`${folder}/${name}.jsonl`, lines.join(""));
  }
  const unseen = Object.keys(MOMENTS).filter((name) => !moments.has(name));
  console.log(`recorded ${moments.size} moments; not seen: ${unseen.join(", ") || "none"}`);
};

await record(process.argv[2] ?? "");
