import { styleText } from "node:util";
import type { SessionStory, WorldFacts } from "../openstack/invariants/story.ts";
import { PROMISES } from "../openstack/invariants.ts";
import { minutes } from "./progress.ts";

const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { stream: process.stdout });

export const bold = (text: string): string => paint("bold", text);
export const dim = (text: string): string => paint("dim", text);

/** Text in columns; the first row is the heading. */
const columns = ([heading = [], ...rows]: readonly (readonly string[])[]): string => {
  const widths = heading.map((_, n) =>
    Math.max(...[heading, ...rows].map((row) => row[n]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join("   ")
      .trimEnd();
  return [dim(line(heading)), ...rows.map(line)].join("\n");
};

/** Each host: what left it, how long it was out, how it is now. */
export const hostTable = (
  { detail: { hosts, instances }, events }: SessionStory,
  { hosts: services }: WorldFacts,
): string => {
  const toldAt = (host: string, state: string) =>
    events.find(({ detail }) => detail["host"] === host && detail["state"] === state)?.at ?? null;
  const span = (from: string | null | undefined, to: string | null | undefined) =>
    from && to ? minutes(Date.parse(to) - Date.parse(from)) : "-";
  return columns([
    ["host", "moved away", "emptied in", "out of service", "outcome", "nova-compute"],
    ...hosts.map(({ hostname, started_at, finished_at, outcome }) => {
      const left = instances.filter(({ host, state }) => host === hostname && state === "moved");
      const service = services.find(({ name }) => name === hostname);
      return [
        hostname,
        String(left.length),
        span(started_at, toldAt(hostname, "IN_MAINTENANCE")),
        span(started_at, finished_at),
        outcome ?? "-",
        [service?.status, service?.disabled_reason].filter(Boolean).join(" "),
      ];
    }),
  ]);
};

/** What the invariant checker found, promise by promise. */
export const verdict = (violations: readonly string[]): string =>
  violations.length === 0
    ? PROMISES.map((promise) => `  ${paint("green", "kept")}  ${promise}`).join("\n")
    : violations.map((words) => `  ${paint("red", "BROKEN")}  ${words}`).join("\n");
