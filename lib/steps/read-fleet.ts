import { isActive } from "../domain/host-run.ts";
import { hostsToProve } from "../domain/plan/canary.ts";
import { openPromises } from "../domain/plan/promises.ts";
import type { Fleet } from "../fleet/targets.ts";
import type { HostContext } from "./host-step.ts";

/** The hosts of the run's zone that instances may go to, and what the session knows of them. */
export const readFleet = async ({
  inventory,
  owners,
  hostRuns,
  agendas,
  session,
  run,
  settings,
}: HostContext): Promise<Fleet> => {
  const known = await inventory.byName(settings.LULL_REGION);
  const zone = known.get(run.host)?.zone;
  const devices = [...known.values()].filter((device) => device.zone === zone);
  const runs = await hostRuns.list(session.session_id);
  const finished = runs.filter(
    ({ outcome, phase }) => phase === "FINISHED" && outcome === "maintained",
  );
  return {
    devices,
    owners: await owners.owners(devices.map(({ id }) => id)),
    maintained: new Set(finished.map(({ host }) => host)),
    onTrial: hostsToProve(session, runs),
    atWork: new Set(runs.filter(isActive).map(({ host }) => host)),
    planned: await agendas.waysFrom(session.session_id, run.host),
    promises: openPromises(),
  };
};
