import type { HostRun } from "../domain/host-run.ts";
import type { Guest, Movability } from "../domain/instances.ts";
import { stopServer } from "../openstack/compute/server-actions.ts";
import { makeEffect } from "./effect.ts";
import type { HostContext } from "./host-step.ts";
import { noteMove } from "./note-move.ts";

/** An instance that stays on its host, and how its class has it. */
export type Resident = {
  readonly guest: Guest;
  readonly movability: Extract<Movability, { kind: "stay" | "stop_start" }>;
};

/**
 * Leaves instances where they are during the work: those that rest as they are, and, once nothing
 * else is on the host, those that have to be stopped for it. Who is stopped is stored before it is,
 * so that whatever happens it is started again.
 *
 * @param alone nobody else is left on the host
 * @returns the host with those that stay noted
 */
export const leaveInPlace = async (
  context: HostContext,
  residents: readonly Resident[],
  alone: boolean,
): Promise<HostRun> => {
  let { run } = context;
  for (const { guest, movability } of residents) {
    const subject = { id: guest.id, name: guest.name, project_id: guest.projectId };
    const isNoted = run.staying.includes(guest.id);
    if (movability.kind === "stay") {
      if (isNoted) continue;
      await noteMove(context, subject, {
        action: "STAY",
        state: "staying",
        details: movability.why,
      });
      run = { ...run, staying: [...run.staying, guest.id] };
      continue;
    }
    if (!alone) continue;
    if (!isNoted) {
      await noteMove(context, subject, {
        action: "STOP_START",
        state: "staying",
        details: movability.why,
      });
      run = await context.save({
        ...run,
        staying: [...run.staying, guest.id],
        stopped: [...run.stopped, guest.id],
      });
    }
    await makeEffect(context, `stop#${guest.id}`, async (requestId) =>
      stopServer((await context.cloud()).compute, guest.id, { requestId }),
    );
  }
  return run;
};
