import type { HostRun } from "./host-run.ts";
import type { Intent } from "./move.ts";

/**
 * Answer of GET /v1/maintenance/{id}/hosts/{host}/effects: what a run has done to the cloud, the
 * oldest first. OpenStack's logs have each under its `request_id`; `outcome` null = not known yet.
 */
export const effectsOf = ({ host, run_id }: HostRun, intents: readonly Intent[]) => ({
  host,
  run_id,
  effects: intents
    .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map((intent) => ({
      effect: intent.effect,
      request_id: intent.request_id,
      at: intent.at,
      instance_id: intent.instance_id,
      target: intent.target,
      outcome: intent.outcome,
      finished_at: intent.finished_at,
      details: intent.details,
    })),
});
