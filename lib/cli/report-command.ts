import type { Command, Context } from "./command.ts";
import { EXIT } from "./exit.ts";
import { explainedLines } from "./explain.ts";
import { type Column, clean, formatOf, tableLines } from "./output.ts";
import { type Report, readReport } from "./report.ts";
import { resolveSessionId } from "./session-id.ts";
import { showDuration, showTime } from "./times.ts";
import { nextText, ruleText } from "./waits.ts";

const took = (seconds: number | null): string =>
  seconds === null ? "" : showDuration(seconds * 1000);

const version = ({ version_before, version_now }: Report["hosts"][number]): string => {
  if (version_before === null || version_before === version_now) return String(version_now ?? "");
  return `${version_before} -> ${version_now ?? "?"}`;
};

const hostColumns: readonly Column<Report["hosts"][number]>[] = [
  { name: "host", of: ({ host }) => host },
  { name: "outcome", of: ({ outcome, phase }) => outcome ?? phase },
  { name: "begun", of: ({ started_at }) => showTime(started_at) },
  { name: "took", of: ({ seconds }) => took(seconds) },
  { name: "work", of: ({ work_seconds }) => took(work_seconds) },
  { name: "instances", of: ({ instances }) => instances },
  { name: "version", of: version },
];

const moveColumns: readonly Column<Report["instances"][number]>[] = [
  { name: "instance", of: ({ instance_id }) => instance_id },
  { name: "name", of: ({ name }) => name },
  { name: "state", of: ({ state }) => state },
  { name: "from", of: ({ from }) => from },
  { name: "to", of: ({ to }) => to },
  { name: "tries", of: ({ tries }) => tries },
  { name: "took", of: ({ seconds }) => took(seconds) },
];

const headLines = (report: Report): string[] => [
  `session ${report.session_id}${report.reason ? `: ${report.reason}` : ""}`,
  `${report.state}${report.result ? ` (${report.result})` : ""}, ${report.summary}`,
  `opened by ${report.created_by ?? "?"} ${showTime(report.created_at)}, profile ${report.profile ?? "?"}`,
  `began ${showTime(report.maintenance_at)}${report.ends_at ? `, window to ${showTime(report.ends_at)}` : ""}`,
  report.closed_at ? `ended ${showTime(report.closed_at)}` : "not over",
];

const orderLine = ({ at, what, by, reason }: Report["orders"][number]): string =>
  `${showTime(at)} ${what}${by ? ` by ${by}` : ""}${reason ? `: ${reason}` : ""}`;

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ["", title, ...lines];

const sectionsOf = (report: Report): string[] => [
  ...headLines(report),
  ...section("Orders", report.orders.map(orderLine)),
  ...section("Hosts", tableLines(hostColumns, report.hosts)),
  ...(report.instances.length === 0
    ? []
    : section("Instances", tableLines(moveColumns, report.instances))),
  ...section(
    "What went wrong",
    report.failures.map(({ object, words }) => `${object}: ${words}`),
  ),
  ...section(
    "What waits",
    report.attention.map((wait) => `${ruleText(wait)}  ${nextText(wait)}`),
  ),
  ...section("What stays changed in the cloud", report.stays_changed),
  ...section("What was done to the cloud", explainedLines(report.effects ?? [])),
];

const report = async ({ values, args, terminal, connect }: Context): Promise<number> => {
  const format = formatOf(values);
  const api = await connect();
  const found = await readReport(api, values, await resolveSessionId(api, args[0] ?? ""));
  if (format === "json") terminal.out(JSON.stringify(found, null, 2));
  else for (const line of sectionsOf(found)) terminal.out(clean(line));
  return EXIT.done;
};

export const reportCommand: Command = {
  name: "report",
  summary: "Hand a session over: who, what, moved where, what failed, what stays changed",
  args: ["SESSION"],
  options: ["explain", "format"],
  notes: `Of a session that is over or not. Times are UTC, and local where that is another. Versions are the
hypervisor's, before the work and as the inventory has it now.
SESSION is an id, or enough of its beginning to be the only one.`,
  examples: ["report 7f3c", "report 7f3c | tee handover.txt", "report 7f3c -f json"],
  run: report,
};
