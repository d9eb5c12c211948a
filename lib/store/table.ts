import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

/**
 * Everything lives in one table; this is the only place that builds its keys, and this list is
 * complete. `p` is `P#lull`: one inventory per deployment. `ln` is a normalised name.
 *
 * | kind      | PK                  | SK                     | by_scope               | due              | read by                         |
 * | --------- | ------------------- | ---------------------- | ---------------------- | ---------------- | ------------------------------- |
 * | region    | p#REG#<region>      | #META                  | p#L#REG / <cloud>#<ln> |                  | hosts.regions                   |
 * | device    | p#DEV#<id>          | #META                  | p#L#host#R#<region> / C#<cell>#<ln>#<id> |        | hosts.get, hosts.listHostsByRegion |
 * | name lock | p#UQ#DEV#<region>#<ln> | #UQ                 |                        |                  | hosts.findByName                |
 * | owner     | p#DEV#<id>          | #OWNER                 | p#L#OWN / <id>         |                  | ownership.*                     |
 * | slots     | p#DEV#<id>          | #SLOTS                 |                        |                  | intents (conditions only)       |
 * | set by hand | p#DEV#<id>        | #HAND                  |                        |                  | byHand.find                     |
 * | constraints of an instance | p#CON#INST#<id> | #META     | p#L#CON#<project> / INST#<id> |        |                  | constraints.instances           |
 * | constraints of a group | p#CON#GRP#<id> | #META          | p#L#CON#<project> / GRP#<id> |         |                  | constraints.groups              |
 * | group     | GROUP#<id>          | #GROUP                 |                        |                  | intents (conditions only)       |
 * | freeze    | p#FREEZE            | #FREEZE                |                        |                  | intents.begin, freeze.get       |
 * | cloud health | p#HEALTH         | #HEALTH                |                        |                  | cloudHealth.*                   |
 * | session   | S#<session>         | #META                  | p#L#SES / <created_at>#<id> |             | sessions.get, sessions.list     |
 * | host run  | S#<session>         | HOST#<host>            |                        |                  | hostRuns.get, hostRuns.list     |
 * | move      | S#<session>         | MOVE#<host>#<instance> | p#L#MOV#<session>#<project> / <host>#<instance> | | moves.listByHost, moves.list, moves.listByProject |
 * | project of a session | S#<session> | PROJECT#<project>   | p#L#PRJ#<project> / <created_at>#<session> |   | sessionProjects.*               |
 * | ask       | S#<session>         | ASK#<project>#<ask>    |                        |                  | asks.*                          |
 * | agenda    | S#<session>         | AGENDA                 |                        |                  | agendas.get                     |
 * | ways from a host | S#<session>  | WAYS#<host>            |                        |                  | agendas.waysFrom                |
 * | event     | S#<session>, p#SYNC#<id>, p#PLAN#<id> | E#<at>#<entity>#<sequence> |              | OUTBOX / <at>    | outbox.list, outbox.unpublished |
 * | run       | RUN#<run>           | #RUN                   |                        | RUN / <due_at>   | runs.get, runs.due              |
 * | wake      | RUN#<run>           | #WAKE                  |                        |                  | runs.readSeq                    |
 * | intent    | RUN#<run>           | INTENT#<effect>        |                        |                  | intents.open                    |
 * | hook      | HOOK#<id>           | #HOOK                  |                        |                  | hooks.get                       |
 * | reach     | S#<session>         | REACH#<project>#<at>#<entity>#<sequence> |      |                  | deliveries.reachOf              |
 * | lane      | LANE#<receiver>#<session> | #LANE            |                        | DELIVERY / <due_at> | lanes.*                      |
 * | delivery  | LANE#<receiver>#<session> | D#<at>#<entity>#<sequence> | p#L#DLV#<receiver> / <at>#<session>#<entity>#<sequence> (webhooks) | | lanes.next, deliveries.list |
 * | places of a project | PLACES#<project> | #PLACES          |                        |                  | places.*                        |
 * | subscription | SUBS#<project>   | SUB#<id>               |                        |                  | subscriptions.get, subscriptions.list |
 * | subscription count | SUBS#<project> | #COUNT             |                        |                  | subscriptions (conditions only) |
 * | sync      | p#SYNC#<id>         | #META                  |                        |                  | syncs.get                       |
 * | plan      | p#PLAN#<id>         | #META                  |                        |                  | plans.get                       |
 * | plans being made | p#PLANS        | #MAKING                |                        |                  | plans.request                   |
 * | operations of a plan | p#PLAN#<id>#OPS#<making>#<objective>#<page> | #PAGE | |             | plans.operations                |
 * | curve of a plan | p#PLAN#<id>   | CURVE#<making>#<objective> |                    |                  | plans.curve                     |
 * | idempotency | IDEM#<who>#<key>  | #IDEM                  |                        |                  | idempotency.find                |
 *
 * Decisions read the base table strongly; `by_scope` serves lists, `due` serves the janitor and
 * holds only rows that wait for it. A row's `kind` says what it is to whoever reads the stream.
 */
export const keys = {
  region: (region: string) => ({ PK: `${INVENTORY}#REG#${region}`, SK: "#META" }),
  device: (id: string) => ({ PK: `${INVENTORY}#DEV#${id}`, SK: "#META" }),
  deviceName: (region: string, name: string) => ({
    PK: `${INVENTORY}#UQ#DEV#${region}#${normalised(name)}`,
    SK: "#UQ",
  }),
  owner: (deviceId: string) => ({ PK: `${INVENTORY}#DEV#${deviceId}`, SK: "#OWNER" }),
  slots: (deviceId: string) => ({ PK: `${INVENTORY}#DEV#${deviceId}`, SK: "#SLOTS" }),
  byHand: (deviceId: string) => ({ PK: `${INVENTORY}#DEV#${deviceId}`, SK: "#HAND" }),
  constraints: (kind: ConstraintKind, id: string) => ({
    PK: `${INVENTORY}#CON#${CONSTRAINED[kind]}#${id}`,
    SK: "#META",
  }),
  group: (id: string) => ({ PK: `GROUP#${id}`, SK: "#GROUP" }),
  freeze: () => ({ PK: `${INVENTORY}#FREEZE`, SK: "#FREEZE" }),
  cloudHealth: () => ({ PK: `${INVENTORY}#HEALTH`, SK: "#HEALTH" }),
  session: (sessionId: string) => ({ PK: `S#${sessionId}`, SK: "#META" }),
  hostRun: (sessionId: string, host: string) => ({ PK: `S#${sessionId}`, SK: `HOST#${host}` }),
  move: (sessionId: string, host: string, instanceId: string) => ({
    PK: `S#${sessionId}`,
    SK: `MOVE#${host}#${instanceId}`,
  }),
  sessionProject: (sessionId: string, projectId: string) => ({
    PK: `S#${sessionId}`,
    SK: `PROJECT#${projectId}`,
  }),
  ask: (sessionId: string, projectId: string, askId: string) => ({
    PK: `S#${sessionId}`,
    SK: `ASK#${projectId}#${askId}`,
  }),
  agenda: (sessionId: string) => ({ PK: `S#${sessionId}`, SK: "AGENDA" }),
  ways: (sessionId: string, host: string) => ({ PK: `S#${sessionId}`, SK: `WAYS#${host}` }),
  event: (partition: string, at: string, entity: string, sequence: number) => ({
    PK: partition,
    SK: `E#${orderOf({ at, entity, sequence })}`,
  }),
  reach: (event: EventKey, projectId: string) => ({
    PK: `S#${event.session_id}`,
    SK: `REACH#${projectId}#${orderOf(event)}`,
  }),
  lane: (receiverId: string, sessionId: string) => ({
    PK: `LANE#${receiverId}#${sessionId}`,
    SK: "#LANE",
  }),
  delivery: (receiverId: string, event: EventKey) => ({
    PK: `LANE#${receiverId}#${event.session_id}`,
    SK: `D#${orderOf(event)}`,
  }),
  places: (projectId: string) => ({ PK: `PLACES#${projectId}`, SK: "#PLACES" }),
  subscription: (projectId: string, id: string) => ({ PK: `SUBS#${projectId}`, SK: `SUB#${id}` }),
  subscriptionCount: (projectId: string) => ({ PK: `SUBS#${projectId}`, SK: "#COUNT" }),
  run: (runId: string) => ({ PK: `RUN#${runId}`, SK: "#RUN" }),
  wake: (runId: string) => ({ PK: `RUN#${runId}`, SK: "#WAKE" }),
  intent: (runId: string, effect: string) => ({ PK: `RUN#${runId}`, SK: `INTENT#${effect}` }),
  hook: (id: string) => ({ PK: `HOOK#${id}`, SK: "#HOOK" }),
  sync: (id: string) => ({ PK: `${INVENTORY}#SYNC#${id}`, SK: "#META" }),
  plan: (id: string) => ({ PK: `${INVENTORY}#PLAN#${id}`, SK: "#META" }),
  plansBeingMade: () => ({ PK: `${INVENTORY}#PLANS`, SK: "#MAKING" }),
  /** A partition for each page: hundreds are written in a few seconds, more than one partition takes. */
  planOperations: (id: string, makingId: string, objective: string, page: number) => ({
    PK: `${INVENTORY}#PLAN#${id}#OPS#${makingId}#${objective}#${page}`,
    SK: "#PAGE",
  }),
  planCurve: (id: string, makingId: string, objective: string) => ({
    PK: `${INVENTORY}#PLAN#${id}`,
    SK: `CURVE#${makingId}#${objective}`,
  }),
  idempotency: (who: string, key: string) => ({ PK: `IDEM#${who}#${key}`, SK: "#IDEM" }),
};

const INVENTORY = "P#lull";

const CONSTRAINED = { instance: "INST", group: "GRP" } as const;
export type ConstraintKind = keyof typeof CONSTRAINED;
type EventKey = {
  readonly session_id: string;
  readonly at: string;
  readonly entity: string;
  readonly sequence: number;
};

/** Sorts events by time, then by entity, then by number. */
const orderOf = ({ at, entity, sequence }: Omit<EventKey, "session_id">): string =>
  `${at}#${entity}#${String(sequence).padStart(9, "0")}`;

/** Names that Nova and people mean to be the same are the same key. */
const normalised = (name: string): string => name.normalize("NFC").trim().toLowerCase();

/** Keys of the index `by_scope`, which serves lists in order. */
export const scopes = {
  regions: (cloud: string, region: string) => ({
    GSI1PK: `${INVENTORY}#L#REG`,
    GSI1SK: `${cloud}#${normalised(region)}`,
  }),
  hosts: (region: string, cell: string | null, name: string, id: string) => ({
    GSI1PK: `${INVENTORY}#L#host#R#${region}`,
    GSI1SK: `C#${cell ?? "-"}#${normalised(name)}#${id}`,
  }),
  owners: (deviceId: string) => ({ GSI1PK: `${INVENTORY}#L#OWN`, GSI1SK: deviceId }),
  sessions: (createdAt: string, id: string) => ({
    GSI1PK: `${INVENTORY}#L#SES`,
    GSI1SK: `${createdAt}#${id}`,
  }),
  sessionsOfProject: (projectId: string, createdAt: string, sessionId: string) => ({
    GSI1PK: `${INVENTORY}#L#PRJ#${projectId}`,
    GSI1SK: `${createdAt}#${sessionId}`,
  }),
  constraints: (projectId: string, kind: ConstraintKind, id: string) => ({
    GSI1PK: `${INVENTORY}#L#CON#${projectId}`,
    GSI1SK: `${CONSTRAINED[kind]}#${id}`,
  }),
  movesOfProject: (sessionId: string, projectId: string, host: string, instanceId: string) => ({
    GSI1PK: `${INVENTORY}#L#MOV#${sessionId}#${projectId}`,
    GSI1SK: `${host}#${instanceId}`,
  }),
  deliveries: (receiverId: string, event: EventKey) => ({
    GSI1PK: `${INVENTORY}#L#DLV#${receiverId}`,
    GSI1SK: `${event.at}#${event.session_id}#${orderOf(event).slice(event.at.length + 1)}`,
  }),
};

/** Partitions of the sparse index `due`: what `tick` has to look at once `due_at` has passed. */
export const due = { run: "RUN", outbox: "OUTBOX", delivery: "DELIVERY" } as const;

export type Table = { readonly client: DynamoDBDocumentClient; readonly name: string };

export const openTable = (name: string): Table => ({
  client: DynamoDBDocumentClient.from(new DynamoDBClient({}), {
    marshallOptions: { removeUndefinedValues: true },
  }),
  name,
});
