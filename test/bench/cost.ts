import { fork } from "node:child_process";
import { join } from "node:path";
import type { FunctionUse, Usage } from "./aws-usage.ts";
import type { PlayedCost } from "./cost-session.ts";
import type { Table } from "./figure.ts";
import { PRICES } from "./prices.ts";

/** What AWS is taken to need, in ms, all calls one after the other; here, everything shares one thread. */
const ASSUMED = { openstackCall: 50, awsCall: 5, invocation: 15, coldStart: 500 };

/** What Lambda itself logs about each invocation, as text. */
const PLATFORM_LOG_BYTES = Buffer.byteLength(
  [
    "START RequestId: 00000000-0000-4000-8000-000000000000 Version: $LATEST",
    "END RequestId: 00000000-0000-4000-8000-000000000000",
    "REPORT RequestId: 00000000-0000-4000-8000-000000000000\tDuration: 123.45 ms\tBilled Duration: 124 ms\tMemory Size: 512 MB\tMax Memory Used: 120 MB\t\n",
  ].join("\n"),
);
const GB = 1e9;
const MONTH_HOURS = 730;

/** One row for one session; `usd` counts in the total unless the row is a part of another. */
type Line = { readonly what: string; readonly count: number; readonly usd: number };

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const gbSeconds = (use: FunctionUse, ms: number) => (ms / 1_000) * (use.memoryMb / 1_024);

const assumedMs = (use: FunctionUse) =>
  use.openstackCalls * ASSUMED.openstackCall +
  use.awsCalls * ASSUMED.awsCall +
  use.invocations * ASSUMED.invocation +
  use.sandboxes * ASSUMED.coldStart;

/** One process has each secret once; on AWS each sandbox does that talks to the cloud. */
const secretCalls = (functions: readonly FunctionUse[]) =>
  sum(functions.filter((use) => use.openstackCalls > 0).map((use) => use.sandboxes));

const linesOf = (usage: Usage): readonly Line[] => {
  const functions = Object.values(usage.functions);
  const invocations = sum(functions.map((use) => use.invocations));
  const logGb = (usage.logBytes + invocations * PLATFORM_LOG_BYTES) / GB;
  const line = (what: string, count: number, price: number): Line => ({
    what,
    count,
    usd: count * price,
  });
  return [
    line(
      "Step Functions state transitions",
      sum(Object.values(usage.transitions)),
      PRICES.transition,
    ),
    line("Lambda invocations", invocations, PRICES.invocation),
    line(
      "Lambda GB-seconds, as assumed",
      sum(functions.map((use) => gbSeconds(use, assumedMs(use)))),
      PRICES.gbSecond,
    ),
    line("DynamoDB write request units", usage.units.writes, PRICES.writeUnit),
    line("DynamoDB read request units", usage.units.reads, PRICES.readUnit),
    line("EventBridge custom events", usage.customEvents, PRICES.customEvent),
    line("HTTP API requests", usage.apiRequests, PRICES.apiRequest),
    line("CloudWatch Logs, GB", logGb, PRICES.logGb),
    line("Secrets Manager calls", secretCalls(functions), PRICES.secretCall),
  ];
};

/** Where the large quantities come from, the dearest part first; they are in a line above already. */
const partsOf = (usage: Usage): readonly Line[] => {
  const parts = (quantity: string, counts: Readonly<Record<string, number>>, price: number) =>
    Object.entries(counts)
      .map(([name, count]): Line => ({ what: `${quantity}: ${name}`, count, usd: count * price }))
      .toSorted((a, b) => b.usd - a.usd);
  const byFunction = (value: (use: FunctionUse) => number) =>
    Object.fromEntries(
      Object.entries(usage.functions).map(([name, use]) => [
        name.replace("LambdaFunction", ""),
        value(use),
      ]),
    );
  const { writesByKind, indexWrites } = usage.units;
  return [
    ...parts("transitions", usage.transitions, PRICES.transition),
    ...parts(
      "invocations",
      byFunction((use) => use.invocations),
      PRICES.invocation,
    ),
    ...parts(
      "GB-seconds",
      byFunction((use) => gbSeconds(use, assumedMs(use))),
      PRICES.gbSecond,
    ),
    ...parts("written", writesByKind, PRICES.writeUnit),
    { what: "index writes: all", count: indexWrites, usd: indexWrites * PRICES.writeUnit },
  ];
};

/** Of each quantity that is told by its parts, how many are. */
const PARTS = 4;

const leading = (parts: readonly Line[]): ReadonlySet<string> =>
  new Set(
    Object.values(Object.groupBy(parts, ({ what }) => what.split(":")[0] ?? "")).flatMap(
      (group = []) => group.slice(0, PARTS).map(({ what }) => what),
    ),
  );

const measuredOf = ({ functions }: Usage): Line => {
  const count = sum(Object.values(functions).map((use) => gbSeconds(use, use.wallMs)));
  return { what: "Lambda GB-seconds, as measured here", count, usd: count * PRICES.gbSecond };
};

const totalOf = (what: string, lines: readonly Line[]): Line => ({
  what,
  count: 0,
  usd: sum(lines.map(({ usd }) => usd)),
});

/** A month in which nothing happens but ticks and syncs. */
const idleMonth = ({ idle, idleHours }: PlayedCost): readonly Line[] => {
  const months = MONTH_HOURS / idleHours;
  const used = linesOf(idle)
    .filter(({ count }) => count > 0)
    .map(({ what, count, usd }) => ({
      what: `idle month: ${what}`,
      count: count * months,
      usd: usd * months,
    }));
  const lines = [...used, { what: "idle month: the secret", count: 1, usd: PRICES.secretMonth }];
  return [...lines, totalOf("**idle month, in all**", lines)];
};

const text = (value: number) =>
  value === 0 ? "" : value.toLocaleString("en", { maximumSignificantDigits: 3 });
const countText = (value: number) =>
  value >= 1 ? Math.round(value).toLocaleString("en") : text(value);

/** One row for each line of the last session, with the same line of the others where they have it. */
const rowsOf = (
  played: readonly PlayedCost[],
  lines: (one: PlayedCost) => readonly Line[],
): Table => {
  const columns = played.map((one) => ({
    hosts: one.hosts,
    lines: new Map(lines(one).map((line) => [line.what, line])),
  }));
  return [...(columns.at(-1)?.lines.keys() ?? [])].map((what) => [
    what,
    ...columns.flatMap((column) => {
      const { count = 0, usd = 0 } = column.lines.get(what) ?? {};
      return [countText(count), text(usd), text(usd / column.hosts)];
    }),
  ]);
};

const PROGRAM = join(import.meta.dirname, "cost-session.ts");

/** Each session has a process of its own: functions are loaded once, for the stack that they first meet. */
const playedIn = (hosts: number): Promise<PlayedCost> =>
  new Promise((resolve, reject) => {
    const child = fork(PROGRAM, ["--hosts", String(hosts)]);
    child.once("message", (played: PlayedCost) => resolve(played));
    child.once("exit", (code) => reject(new Error(`the session of ${hosts} ended with ${code}`)));
  });

const withTotal = ({ session }: PlayedCost): readonly Line[] => {
  const lines = linesOf(session);
  return [...lines, totalOf("**session, in all**", lines)];
};

/** What sessions over so many hosts cost on AWS, by what they were seen to use, and a month without any. */
export const sessionCosts = async (sizes: readonly number[]): Promise<Table> => {
  const played: PlayedCost[] = [];
  for (const hosts of sizes.toSorted((a, b) => a - b)) played.push(await playedIn(hosts));
  const told = leading(played.slice(-1).flatMap(({ session }) => partsOf(session)));
  return [
    ["what", ...played.flatMap(({ hosts }) => [`${hosts} hosts`, "USD", "a host"])],
    [
      "hours of the clock, at once",
      ...played.flatMap(({ hours, parallel }) => [hours.toFixed(1), `${parallel}`, ""]),
    ],
    ...rowsOf(played, withTotal),
    ...rowsOf(played, ({ session }) => [measuredOf(session)]),
    ...rowsOf(played, ({ session }) => partsOf(session).filter(({ what }) => told.has(what))),
    ...rowsOf(played, idleMonth).map((row) =>
      row.map((cell, n) => (n % 3 === 0 && n > 0 ? "" : cell)),
    ),
  ];
};
