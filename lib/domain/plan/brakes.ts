import type { HostRun } from "../host-run.ts";
import type { Attention, Session } from "../session.ts";
import type { Window } from "../windows.ts";
import { hostsToProve, soakedAt } from "./canary.ts";
import type { Shortage } from "./reserve.ts";

/** Why nothing may be begun in the whole cloud. */
export type Standstill = {
  readonly code: "frozen" | "waiting_cloud";
  readonly why: string;
};

const BRAKES = new Set(["waiting_cloud", "window_over", "canary", "below_reserve"]);

/** Whether this says that a brake holds the session; such findings are made anew at each turn. */
const isBrake = ({ code }: Attention): boolean => BRAKES.has(code);

/** The session's findings with these brakes in place of the ones before; each keeps its `since`. */
export const withBrakes = (
  attention: readonly Attention[],
  brakes: readonly Attention[],
): Attention[] => [
  ...attention.filter((item) => !isBrake(item)),
  ...brakes.map((brake) => ({
    ...brake,
    since:
      attention.find(
        ({ code, host, message }) =>
          code === brake.code && host === brake.host && sameBrake(brake, message),
      )?.since ?? brake.since,
  })),
];

/** A shortage goes by its zone or host, whatever amount is missing at the moment; each other brake is one of its kind. */
const sameBrake = ({ code, message }: Attention, before: string): boolean =>
  code !== "below_reserve" || message.split(":")[0] === before.split(":")[0];

const finding = (
  code: string,
  since: string,
  message: string,
  what_happens_next: string,
  host: string | null = null,
): Attention => ({ code, host, instance: null, since, message, what_happens_next });

/** The cloud is unwell. */
const waitingForCloud = ({ why }: Standstill, now: string): Attention =>
  finding("waiting_cloud", now, why, "it goes on by itself as soon as the cloud is well");

/** What holds up the whole cloud; a freeze is told by whoever shows the session. */
export const standingStill = (standstill: Standstill, now: string): Attention[] =>
  standstill.code === "frozen" ? [] : [waitingForCloud(standstill, now)];

/** Hosts wait and no window that is open takes them. */
export const windowOver = (next: Window | null, now: string): Attention =>
  finding(
    "window_over",
    now,
    next === null
      ? "hosts are left that would not end in the last window"
      : "hosts wait for the next window",
    next === null
      ? "the session ends with what is at work; the hosts left are not touched"
      : `it goes on at ${next.starts_at}`,
  );

/** What the hosts of a model wait for that go one at a time. */
export const onTrial = (
  session: Session,
  runs: readonly HostRun[],
  model: string,
  now: string,
): Attention => {
  const canary = session.canaries.find((known) => known.model === model);
  const next =
    "they go one at a time until then, which ends by itself when there is nothing to wait for";
  const named = model === "" ? "hosts" : `hosts of the model ${model}`;
  if (canary !== undefined) {
    const until = soakedAt(canary, session);
    const message =
      now < until
        ? `${named} wait: ${canary.host} bears an instance since ${canary.at} and soaks until ${until}`
        : `${named} wait: nova-compute of ${canary.host}, the first to bear an instance, is not up`;
    return finding("canary", now, message, next, canary.host);
  }
  const provable = hostsToProve(session, runs);
  const [first] = runs
    .filter(({ host, place }) => place.model === model && provable.has(host))
    .map(({ host }) => host)
    .toSorted();
  if (first !== undefined)
    return finding(
      "canary",
      now,
      `${named} wait for an instance to be moved onto ${first}`,
      next,
      first,
    );
  return finding("canary", now, `${named} wait for the first of them to be maintained`, next);
};

/** A zone that would be left with too little room. */
export const belowReserve = (
  { reserve_hosts }: Session,
  { zone, lacks }: Shortage,
  now: string,
): Attention =>
  finding(
    "below_reserve",
    now,
    `zone ${zone}: ${inWords(lacks)} more would have to be free to start its next host and keep a reserve of ${reserve_hosts} host(s)`,
    "no host of the zone is started; it is looked at again every minute, until there is room",
  );

/** A host of which nobody knows whether its zone bears to be without it. */
export const roomUnknown = (host: string, now: string): Attention =>
  finding(
    "below_reserve",
    now,
    `${host}: Placement does not tell what it holds`,
    "it is not started; it is looked at again every minute. Sync the inventory, or repair its resource provider",
    host,
  );

/** In units that do not change with each instance that comes and goes. */
const inWords = ({ MEMORY_MB, VCPU }: Shortage["lacks"]): string =>
  [
    ...(MEMORY_MB > 0 ? [`${Math.ceil(MEMORY_MB / 1024)} GiB of memory`] : []),
    ...(VCPU > 0 ? [`${VCPU} VCPU`] : []),
  ].join(" and ");
