import {
  abortMaintenance,
  getMaintenanceDetail,
  type HostRun,
  overrideProject,
  pauseMaintenance,
  releaseHost,
  resumeMaintenance,
  retryHost,
  type Session,
  type SessionDetail,
} from "../client/maintenance.ts";
import type { Command, Context } from "./command.ts";
import { confirm } from "./confirm.ts";
import { standsOf } from "./counts.ts";
import { EXIT, ExitError, UsageError } from "./exit.ts";
import { clean, formatOf } from "./output.ts";
import { resolveSessionId } from "./session-id.ts";
import { isOver, phaseOf, sizeOf } from "./session-text.ts";
import { staysChanged } from "./stays-changed.ts";
import { didYouMean } from "./suggest.ts";

/** @throws UsageError: who stops or starts something says why, for those who find it so */
export const reasonFor = ({ values }: Context, command: string): string => {
  const reason = values.text("reason");
  if (reason !== undefined) return reason;
  throw new UsageError(`"lull ${command}" needs --reason TEXT, for the people who find it so`);
};

/** Tells what was done, what stays changed by it and how to undo it; as JSON, what the API said. */
export const tell = (
  { values, terminal }: Context,
  answer: object,
  lines: readonly string[],
): number => {
  if (formatOf(values) === "json") terminal.out(JSON.stringify(answer, null, 2));
  else for (const line of lines) terminal.out(clean(line));
  return EXIT.done;
};

const stays = (what: readonly string[]): string[] =>
  (what.length > 0 ? what : ["nothing: no host is out of service for it"]).map(
    (line) => `stays changed: ${line}`,
  );

/** The session that is meant, and all that is known of it. */
const open = async (context: Context) => {
  const { args, connect } = context;
  formatOf(context.values);
  const api = await connect();
  const id = await resolveSessionId(api, args[0] ?? "");
  return { api, id, detail: await getMaintenanceDetail(api, id) };
};

const described = (detail: SessionDetail): string =>
  `${detail.session.state}, ${sizeOf(detail.hosts.length, detail)}: ${standsOf(detail)}`;

const goesOn = (id: string): string => `undo: lull maintenance resume ${id}`;

/** A brake acts at once: it is undone by one word, so nothing is asked first. */
const pause = async (context: Context): Promise<number> => {
  const reason = reasonFor(context, "maintenance pause");
  const { api, id, detail } = await open(context);
  const answer = await pauseMaintenance(api, id, reason);
  return tell(context, answer, [
    `session ${id} is paused: nothing more is begun, what is under way is watched, clocks stand still`,
    ...stays(staysChanged(detail)),
    goesOn(id),
  ]);
};

const holdsOf = ({ holds }: Session | SessionDetail): string =>
  holds.map(({ code, by, reason }) => `${code === "breaker" ? code : by}: ${reason}`).join("; ");

const resume = async (context: Context): Promise<number> => {
  const { values, terminal } = context;
  const { api, id, detail } = await open(context);
  const why = holdsOf(detail);
  await confirm(
    terminal,
    values,
    `Resume session ${id}, ${described(detail)}${why ? `; paused by ${why}` : ""}?`,
  );
  const answer = await resumeMaintenance(api, id, values.text("reason"));
  return tell(context, answer, [
    `session ${id} goes on, ${answer.state} at ${answer.percent_done}%`,
    `undo: lull maintenance pause ${id} --reason '...'`,
  ]);
};

const abort = async (context: Context): Promise<number> => {
  const { values, terminal } = context;
  const reason = reasonFor(context, "maintenance abort");
  const { api, id, detail } = await open(context);
  if (isOver(detail)) throw new ExitError(`session ${id} is over already`, EXIT.failed);
  await confirm(terminal, values, `Abort session ${id}, ${described(detail)}?`);
  const answer = await abortMaintenance(api, id, reason);
  return tell(context, answer, [
    `session ${id} is being aborted, for good: hosts whose work has not begun are put back as they were`,
    ...stays(answer.stays_changed),
    `a host in work: lull maintenance release ${id} HOST`,
    `watch it: lull maintenance watch ${id}`,
  ]);
};

/** @throws ExitError when the session has no such host */
const hostIn = (detail: SessionDetail, name: string): HostRun => {
  const run = detail.hosts.find(({ hostname }) => hostname === name);
  if (run) return run;
  const known = detail.hosts.map(({ hostname }) => hostname);
  throw new ExitError(
    `session ${detail.session_id} has no host ${name}${didYouMean(name, known)}`,
    EXIT.failed,
  );
};

const instancesOn = ({ instances_total, instances_left }: HostRun): string =>
  `${instances_left ?? 0} of ${instances_total ?? 0} instances on it`;

const retry = async (context: Context): Promise<number> => {
  const { values, terminal, args } = context;
  const { api, id, detail } = await open(context);
  const run = hostIn(detail, args[1] ?? "");
  const again = run.phase === "FINISHED";
  const question = again ? `Begin ${run.hostname} anew` : `Try the moves off ${run.hostname} anew`;
  await confirm(terminal, values, `${question}, ${phaseOf(run)}, ${instancesOn(run)}?`);
  const answer = await retryHost(api, id, run.hostname, values.text("reason"));
  return tell(context, answer, [
    again
      ? `${run.hostname} begins anew: it is disabled, emptied and worked on; actions that were done are not done again`
      : `${run.hostname}: refusals, tries and vetoes of its instances are forgotten, and they are tried again`,
    `stop it: lull maintenance pause ${id} --reason '...'`,
  ]);
};

const release = async (context: Context): Promise<number> => {
  const { values, terminal, args } = context;
  const { api, id, detail } = await open(context);
  const run = hostIn(detail, args[1] ?? "");
  await confirm(
    terminal,
    values,
    `Is the work on ${run.hostname} done (${phaseOf(run)}, ${instancesOn(run)}), so that it may be checked and put back?`,
  );
  const answer = await releaseHost(api, id, run.hostname, values.text("reason"));
  return tell(context, answer, [
    `${run.hostname} is released; it is checked before it is put back, and stays disabled when it has not come back whole`,
  ]);
};

const override = async (context: Context): Promise<number> => {
  const { values, terminal, args } = context;
  const reason = reasonFor(context, "maintenance override");
  const { api, id, detail } = await open(context);
  const project = args[1] ?? "";
  await confirm(
    terminal,
    values,
    `Go on with session ${id}, ${described(detail)}, without the word of project ${project}?`,
  );
  const answer = await overrideProject(api, id, project, reason);
  return tell(context, answer, [
    `instances of project ${project} are moved live, whatever it says; it can see that, and who has done it is kept`,
    `hosts that were put back for it: lull maintenance retry ${id} HOST`,
  ]);
};

const SESSION_NOTE = "SESSION is an id, or enough of its beginning to be the only one.";

export const controlCommands: readonly Command[] = [
  {
    name: "maintenance pause",
    summary: "Make a session stand still until it is resumed",
    args: ["SESSION"],
    options: ["reason", "format"],
    notes: `Nothing more is begun: no host, no move, no work. What is under way is seen to its end, and clocks
stand still. Hosts that are out of service stay so. It acts at once and asks nothing.
${SESSION_NOTE}`,
    examples: ["maintenance pause 7f3c --reason 'storage alarm in az2'"],
    run: pause,
  },
  {
    name: "maintenance resume",
    summary: "Let a session go on, whoever or whatever paused it",
    args: ["SESSION"],
    options: ["reason", "yes", "format"],
    notes: `Also after the breaker has paused it: what went wrong before does not count any more.
${SESSION_NOTE}`,
    examples: [
      "maintenance resume 7f3c",
      "maintenance resume 7f3c --reason 'cmp-04 was cabled wrongly'",
    ],
    run: resume,
  },
  {
    name: "maintenance abort",
    summary: "End a session for good, and give back what has not been worked on",
    args: ["SESSION"],
    options: ["reason", "yes", "format"],
    notes: `Hosts whose work has not begun are put back as they were. A host in work finishes, is verified and put
back, or stays out of service until it is released. Instances are not moved back.
${SESSION_NOTE}`,
    examples: ["maintenance abort 7f3c --reason 'wrong rack'"],
    run: abort,
  },
  {
    name: "maintenance retry",
    summary: "Begin a host anew, or try its stuck moves again",
    args: ["SESSION", "HOST"],
    options: ["reason", "yes", "format"],
    notes: `A host that failed or was put back begins anew, also when its session is over; actions that were done
are not done again. On a host that is being emptied, refusals, tries and vetoes are forgotten.`,
    examples: ["maintenance retry 7f3c cmp-01"],
    run: retry,
  },
  {
    name: "maintenance release",
    summary: "Say that the work on a host is done",
    args: ["SESSION", "HOST"],
    options: ["reason", "yes", "format"],
    notes: `Ends the action that runs, a hold or a webhook that lost its word. A host that failed is checked and
put back, also when its session is over. Either way it is enabled only if it came back whole.`,
    examples: ["maintenance release 7f3c cmp-01"],
    run: release,
  },
  {
    name: "maintenance override",
    summary: "Go on without the word of a project",
    args: ["SESSION", "PROJECT"],
    options: ["reason", "yes", "format"],
    notes: `For a project that refuses, or does not answer where its silence keeps its hosts from being emptied.
Its instances are moved live, and never stopped for it. It takes somebody else than who opened the session.`,
    examples: [
      "maintenance override 7f3c 8e5c0b1d --reason 'agreed by phone with their duty officer'",
    ],
    run: override,
  },
];
