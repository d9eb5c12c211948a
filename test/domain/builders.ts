import type { Device } from "../../lib/domain/device.ts";
import type { Ask } from "../../lib/domain/dialogue/ask.ts";
import { claimHost, type HostRun, type Place } from "../../lib/domain/host-run.ts";
import type { Guest } from "../../lib/domain/instances.ts";
import { later } from "../../lib/domain/instant.ts";
import { type Move, moveSchema } from "../../lib/domain/move.ts";
import { requestPlan, type StoredPlan } from "../../lib/domain/planning.ts";
import { newSessionSchema, openSession, type Session } from "../../lib/domain/session.ts";

export const NOW = "2026-11-22T10:00:00.000Z";
export const SESSION_ID = "6f3f0d0e-5b63-4c35-9a5c-3f4a5b6c7d8e";

/** A session of two hosts that was opened now and may start now. */
export const aSession = (but: Partial<Session> = {}): Session => ({
  ...openSession(newSessionSchema.parse({ hosts: ["cmp-01", "cmp-02"], maintenance_at: NOW }), {
    sessionId: SESSION_ID,
    cloud: "lab",
    region: "RegionOne",
    by: "admin",
    now: NOW,
  }),
  ...but,
});

/** A session whose pre-flight found nothing and which owns its hosts. */
export const aClaimedSession = (but: Partial<Session> = {}): Session =>
  aSession({ preflight_at: NOW, claimed_at: NOW, ...but });

/** A plan that somebody has just asked for, of a session that is not open. */
export const aPlan = (now = NOW, session = aSession()): StoredPlan =>
  requestPlan({ planId: crypto.randomUUID(), objective: "fastest", by: "admin", now, session });

/** A host that waits for its turn. */
export const aHost = (host: string, but: Partial<HostRun> = {}): HostRun => ({
  ...claimHost({
    sessionId: SESSION_ID,
    host,
    deviceId: `device-${host}`,
    plugins: [],
    now: NOW,
  }),
  ...but,
});

export const aDevice = (name: string, but: Partial<Device> = {}): Device => ({
  schema: 1,
  id: `device-${name}`,
  cloud: "lab",
  region: "RegionOne",
  cell: null,
  name,
  zone: "nova",
  service: { id: `service-${name}`, status: "enabled", state: "up", disabled_reason: null },
  labels: {},
  instance_storage: null,
  hypervisor: { id: `node-${name}`, hostname: `${name}.example`, type: "QEMU", version: 8_002_000 },
  gone: false,
  synced_at: NOW,
  version: 1,
  ...but,
});

/** An instance that runs and that nothing ties to its host. */
export const aGuest = (but: Partial<Guest> = {}): Guest => ({
  id: "instance-1",
  name: "web-1",
  projectId: "project-1",
  status: "ACTIVE",
  taskState: null,
  powerState: POWER[but.status ?? "ACTIVE"] ?? 1,
  locked: false,
  lockedReason: null,
  extraSpecs: {},
  imageProperties: {},
  vnicTypes: ["normal"],
  groups: [],
  needs: { MEMORY_MB: 2_048, VCPU: 2 },
  localDiskGb: 20,
  ...but,
});

/** What Nova says of the power of an instance in this status: 3 paused, 4 shut down, 0 nothing. */
const POWER: Readonly<Record<string, number>> = {
  PAUSED: 3,
  SHUTOFF: 4,
  SUSPENDED: 4,
  SHELVED: 4,
  ERROR: 0,
};

/** A place in a zone, with nothing else known of it. */
export const at = (zone: string): Place => ({ zone, cell: null, labels: {}, model: "" });

/** An instance that waits to be moved from a host. */
export const aMove = (but: Partial<Move> = {}): Move => ({
  ...moveSchema.parse({
    schema: 1,
    session_id: SESSION_ID,
    host: "cmp-02",
    instance_id: "instance-1",
    instance_name: "web-01",
    project_id: "project-1",
    action: "LIVE_MIGRATE",
    state: "waiting",
    destination_host: null,
    tries: 0,
    vetoed: false,
    started_at: null,
    finished_at: null,
    details: null,
  }),
  ...but,
});

/** A project asked about one instance that has to leave, with two minutes to answer. */
export const anAsk = (but: Partial<Ask> = {}): Ask => ({
  schema: 1,
  session_id: SESSION_ID,
  project_id: "project-1",
  ask_id: "ask-1",
  run_id: "run-1",
  state: "PLANNED_MAINTENANCE",
  instance_ids: ["instance-1"],
  allowed_actions: ["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION"],
  expects_reply: true,
  asked_at: NOW,
  reply_at: later(NOW, 120),
  actions_at: later(NOW, 120),
  missing: null,
  answer: null,
  answers: 0,
  closed_at: null,
  came_to: null,
  ...but,
});
