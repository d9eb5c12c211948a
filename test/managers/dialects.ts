import * as z from "zod";
import type { Project } from "./project.ts";
import type { Action, Told } from "./told.ts";

/** What a manager says to what it was told. */
export type Word =
  | { readonly ack: true; readonly action?: Action }
  | { readonly ack: false; readonly reason: string; readonly not_before?: string };

/** How a real client reads what it is told, and writes what it says. */
export type Dialect = {
  /**
   * The instances that it is about.
   *
   * @throws when the real client would choke on it
   */
  readonly subjectsOf: (told: Told, project: Project) => Promise<readonly string[]>;
  /** Bodies of its PUTs, in their order. */
  readonly write: (told: Told, word: Word, ids: readonly string[]) => readonly object[];
  /** How often it sends one until it is answered with exactly 200. */
  readonly tries: number;
};

const STATES = [
  "MAINTENANCE",
  "SCALE_IN",
  "PREPARE_MAINTENANCE",
  "PLANNED_MAINTENANCE",
  "INSTANCE_ACTION_DONE",
  "MAINTENANCE_COMPLETE",
];

const isAboutInstances = ({ state }: Told): boolean =>
  state === "PREPARE_MAINTENANCE" || state === "PLANNED_MAINTENANCE";

const tellsWhatItHas = ({ state }: Told): boolean =>
  state === "MAINTENANCE" || state === "SCALE_IN";

const listedSchema = z.looseObject({ instance_ids: z.array(z.string()) });

/** The list itself, or what is listed at the address. */
const listed = async ({ instance_ids }: Told, project: Project): Promise<readonly string[]> => {
  if (typeof instance_ids !== "string") return instance_ids;
  const { status, body } = await project.send("GET", instance_ids);
  if (status !== 200) throw new Error(`GET ${instance_ids} was answered with ${status}`);
  return listedSchema.parse(body).instance_ids;
};

/** Its servers, as its own orchestrator knows them. */
const owned = async (project: Project): Promise<readonly string[]> =>
  (await project.servers()).map(({ id }) => id);

/** Those that are named in the message itself. */
const named = ({ instance_ids }: Told): readonly string[] =>
  typeof instance_ids === "string" ? [] : instance_ids;

const stateOf = ({ state }: Told, { ack }: Word): string => `${ack ? "ACK" : "NACK"}_${state}`;

/** What goes with a refusal; no real client sends it. */
const whyNot = (word: Word): object => {
  if (word.ack) return {};
  const { ack: _, ...why } = word;
  return why;
};

const actionOf = (word: Word): Action | undefined => (word.ack ? word.action : undefined);

/** Whether each may be chosen that it wants: otherwise Doctor's clients raise an exception. */
const checkAllowed = ({ allowed_actions }: Told): void => {
  if (!allowed_actions.includes("MIGRATE")) throw new Error("MIGRATE not supported");
};

const checkState = ({ state }: Told): void => {
  if (!STATES.includes(state)) throw new Error(`what is ${state}?`);
};

/** doctor_tests/app_manager/vnfm.py, which knows style `vnf` */
export const doctorVnfm: Dialect = {
  subjectsOf: async (told, project) => {
    checkState(told);
    if (told.state === "MAINTENANCE") return listed(told, project);
    if (!isAboutInstances(told)) return named(told);
    checkAllowed(told);
    if (typeof told.instance_ids === "string") throw new Error("instance_ids is no list");
    return told.instance_ids.slice(0, 1);
  },
  write: (told, word) => {
    if (told.state === "INSTANCE_ACTION_DONE") return [];
    const action = isAboutInstances(told) && actionOf(word);
    const chosen = action ? { instance_action: action } : {};
    return [{ ...chosen, ...whyNot(word), state: stateOf(told, word) }];
  },
  tries: 1,
};

/** doctor_tests/app_manager/sample.py, which knows style `default` */
export const doctorSample: Dialect = {
  subjectsOf: async (told, project) => {
    checkState(told);
    if (isAboutInstances(told)) checkAllowed(told);
    if (isAboutInstances(told) || told.state === "MAINTENANCE") return listed(told, project);
    return told.state === "SCALE_IN" ? owned(project) : named(told);
  },
  write: (told, word, ids) => {
    if (told.state === "INSTANCE_ACTION_DONE") return [];
    const { session_id } = told;
    const action = actionOf(word);
    return [
      {
        ...(tellsWhatItHas(told) && { instance_ids: ids }),
        ...(isAboutInstances(told) &&
          action && { instance_actions: Object.fromEntries(ids.map((id) => [id, action])) }),
        ...whyNot(word),
        session_id,
        state: stateOf(told, word),
      },
    ];
  },
  tries: 1,
};

/** tacker/plugins/fenix.py, which knows style `vnf`: it says the important things twice, and something to everything. */
export const tacker: Dialect = {
  subjectsOf: async (told, project) => {
    checkState(told);
    if (isAboutInstances(told) && typeof told.instance_ids === "string")
      throw new Error("instance_ids is no list");
    return tellsWhatItHas(told) ? owned(project) : named(told);
  },
  write: (told, word, ids) => {
    const { session_id, state } = told;
    const said = { session_id, state: stateOf(told, word) };
    if (state === "INSTANCE_ACTION_DONE") return [said];
    if (tellsWhatItHas(told)) return [{ instance_ids: ids, ...whyNot(word), ...said }];
    if (!isAboutInstances(told)) return [{ ...whyNot(word), ...said }];
    const action = actionOf(word);
    const one = { ...(action && { instance_action: action }), ...whyNot(word), ...said };
    return [one, one];
  },
  tries: 5,
};
