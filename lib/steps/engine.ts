import { readSettings, type Settings } from "../config.ts";
import { engineCloud } from "../credentials.ts";
import type { Cloud } from "../openstack/cloud.ts";
import { type AgendaStore, agendaStore } from "../store/agendas.ts";
import { type AskStore, askStore } from "../store/asks.ts";
import { type CloudHealthStore, cloudHealth } from "../store/cloud-health.ts";
import { type ConstraintStore, constraintStore } from "../store/constraints.ts";
import { deliveryStore } from "../store/deliveries.ts";
import { type FreezeStore, freezeStore } from "../store/freeze.ts";
import { type HookStore, hookStore } from "../store/hooks.ts";
import { type HostRunStore, hostRunStore } from "../store/host-runs.ts";
import { type HostStore, hostStore } from "../store/hosts.ts";
import { type IntentStore, intentStore } from "../store/intents.ts";
import { type MoveStore, moveStore } from "../store/moves.ts";
import { type Ownership, ownership } from "../store/ownership.ts";
import { type RunStore, runStore } from "../store/runs.ts";
import { type SessionProjectStore, sessionProjectStore } from "../store/session-projects.ts";
import { type SessionStore, sessionStore } from "../store/sessions.ts";
import { subscriptionStore } from "../store/subscriptions.ts";
import { openTable } from "../store/table.ts";

import { type Audience, audience } from "./audience.ts";

/** Everything a step may reach; made once per process. */
export type Engine = {
  readonly settings: Settings;
  readonly sessions: SessionStore;
  readonly agendas: AgendaStore;
  readonly sessionProjects: SessionProjectStore;
  readonly asks: AskStore;
  readonly constraints: ConstraintStore;
  readonly hostRuns: HostRunStore;
  readonly runs: RunStore;
  readonly intents: IntentStore;
  readonly moves: MoveStore;
  readonly hooks: HookStore;
  readonly inventory: HostStore;
  readonly owners: Ownership;
  readonly freeze: FreezeStore;
  readonly health: CloudHealthStore;
  readonly audience: Audience;
  /** The cloud, under the engine's credential; opened by the first step that asks. */
  readonly cloud: () => Promise<Cloud>;
};

/** @throws Error naming what the configuration lacks */
export const openEngine = (): Engine => {
  const settings = readSettings();
  const table = openTable(settings.TABLE_NAME);
  const cloud = () => engineCloud(settings);
  return {
    settings,
    sessions: sessionStore(table),
    agendas: agendaStore(table),
    sessionProjects: sessionProjectStore(table),
    asks: askStore(table),
    constraints: constraintStore(table),
    hostRuns: hostRunStore(table),
    runs: runStore(table),
    intents: intentStore(table),
    moves: moveStore(table),
    hooks: hookStore(table),
    inventory: hostStore(table),
    owners: ownership(table),
    freeze: freezeStore(table),
    health: cloudHealth(table),
    audience: audience({
      settings,
      subscriptions: subscriptionStore(table),
      deliveries: deliveryStore(table),
      cloud,
    }),
    cloud,
  };
};
