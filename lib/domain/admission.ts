import type { Device } from "./device.ts";
import type { Finding } from "./errors.ts";
import { later } from "./instant.ts";
import type { Action, NewSession } from "./session.ts";
import { type Window, windowsOf } from "./windows.ts";

/** A start this far in the past is a typing error, not impatience. */
const OLDEST_START_MS = 5 * 60_000;

/** What limits a request, besides the hosts it names. */
export type Limits = {
  readonly now: string;
  /** The operator's limit on the length of one action. */
  readonly actionMinutes: number;
  readonly maxHosts: number;
  /** The largest share of a zone's hosts that one session may name. */
  readonly maxZonePercent: number;
  /** The notice that the operator promises to projects. */
  readonly noticeMinutes: number;
  /** How many hosts each zone has; those it does not name are not limited. */
  readonly hostsInZone: ReadonlyMap<string, number>;
};

/**
 * What is wrong with a request for a session, as far as the inventory tells: nothing is asked of
 * the cloud here.
 *
 * @param devices the region's hosts by name
 */
export const objectionsTo = (
  request: NewSession,
  devices: ReadonlyMap<string, Device>,
  limits: Limits,
): Finding[] => [
  ...objectionsToTimes(request, limits.now),
  ...objectionsToNotice(request, limits),
  ...objectionsToWindows(request, limits.now),
  ...objectionsToSize(request, devices, limits),
  ...objectionsToBrakes(request, devices),
  ...request.hosts.flatMap((host, n) => objectionsToHost(host, `hosts.${n}`, devices)),
  ...request.targets.flatMap((host, n) => objectionsToTarget(host, `targets.${n}`, devices)),
  ...objectionsToOnlyTarget(request),
  ...request.actions.flatMap((action, n) =>
    objectionsToAction(action, `actions.${n}.metadata`, limits.actionMinutes),
  ),
];

const objectionsToTimes = (request: NewSession, now: string): Finding[] => {
  const { maintenance_at = now, ends_at } = request;
  const findings: Finding[] = [];
  if (Date.parse(maintenance_at) < Date.parse(now) - OLDEST_START_MS)
    findings.push({
      path: "maintenance_at",
      code: "in_the_past",
      message: `${maintenance_at} is more than 5 minutes ago; it is ${now} now`,
    });
  if (ends_at !== null && ends_at <= maintenance_at)
    findings.push({
      path: "ends_at",
      code: "before_start",
      message: "the end must be later than maintenance_at",
    });
  return findings;
};

/** Projects are given the notice they were promised, unless it is an emergency, in words. */
const objectionsToNotice = (
  { maintenance_at, emergency, profile }: NewSession,
  { now, noticeMinutes }: Limits,
): Finding[] => {
  const earliest = later(now, noticeMinutes * 60);
  if (emergency !== null || profile === "doctor" || (maintenance_at ?? now) >= earliest) return [];
  if (noticeMinutes === 0) return [];
  return [
    {
      path: "maintenance_at",
      code: "too_soon",
      message: `projects are promised ${noticeMinutes} minutes (LULL_MIN_NOTICE_MINUTES); begin at ${earliest} or later, or say what the emergency is`,
    },
  ];
};

/** Windows come one after the other, and a host fits into one of them. */
const objectionsToWindows = (request: NewSession, now: string): Finding[] => {
  const { maintenance_at = now, ends_at, next_windows, host_minutes } = request;
  const findings: Finding[] = [];
  if (ends_at === null && next_windows.length > 0)
    findings.push({
      path: "ends_at",
      code: "end_missing",
      message: "the first window needs an end when there are further ones",
    });
  const ends = [ends_at, ...next_windows.map((window) => window.ends_at)];
  for (const [n, { starts_at }] of next_windows.entries()) {
    const before = ends[n] ?? starts_at;
    if (starts_at < before)
      findings.push({
        path: `next_windows.${n}.starts_at`,
        code: "windows_overlap",
        message: `windows are given in order; the one before ends at ${before}`,
      });
  }
  const minutes = windowsOf({ maintenance_at, ends_at, next_windows }).map(minutesOf);
  if (host_minutes !== null && minutes.every((long) => long < host_minutes))
    findings.push({
      path: "host_minutes",
      code: "windows_too_short",
      message: `no window is long enough for a host that takes ${host_minutes} minutes`,
    });
  return findings;
};

const minutesOf = ({ starts_at, ends_at }: Window): number =>
  ends_at === null
    ? Number.POSITIVE_INFINITY
    : (Date.parse(ends_at) - Date.parse(starts_at)) / 60_000;

/** The operator's limits on how much of a cloud one session may name. */
const objectionsToSize = (
  { hosts }: NewSession,
  devices: ReadonlyMap<string, Device>,
  { maxHosts, maxZonePercent, hostsInZone }: Limits,
): Finding[] => {
  const wanted = new Set(hosts);
  const findings: Finding[] = [];
  if (wanted.size > maxHosts)
    findings.push({
      path: "hosts",
      code: "too_many_hosts",
      message: `${wanted.size} hosts are more than the ${maxHosts} that LULL_MAX_HOSTS allows; make several sessions`,
    });
  for (const [zone, total] of hostsInZone) {
    const taken = [...wanted].filter((host) => devices.get(host)?.zone === zone).length;
    if (taken * 100 > total * maxZonePercent)
      findings.push({
        path: "hosts",
        code: "too_much_of_zone",
        message: `${taken} of the ${total} hosts of zone ${zone} are more than the ${maxZonePercent} % that LULL_MAX_ZONE_PERCENT allows`,
      });
  }
  return findings;
};

/** Brakes that could not take hold: by a label that no host has, or for a canary that is not to be. */
const objectionsToBrakes = (
  { hosts, max_parallel_per, canary, soak_minutes = 0 }: NewSession,
  devices: ReadonlyMap<string, Device>,
): Finding[] => {
  const known = new Set(["zone", "cell"]);
  for (const host of hosts)
    for (const label of Object.keys(devices.get(host)?.labels ?? {})) known.add(label);
  const findings: Finding[] = Object.keys(max_parallel_per)
    .filter((label) => !known.has(label))
    .map((label) => ({
      path: `max_parallel_per.${label}`,
      code: "label_unknown",
      message: `none of the hosts has a label ${label}; set it, or go by zone, cell or a label they have`,
    }));
  if (canary === false && soak_minutes > 0)
    findings.push({
      path: "soak_minutes",
      code: "no_canary",
      message: "without a canary there is nothing to wait for",
    });
  return findings;
};

/** A host cannot be emptied onto itself. */
const objectionsToOnlyTarget = ({ hosts, targets }: NewSession): Finding[] => {
  const [only] = targets;
  if (only === undefined || targets.some((target) => target !== only) || !hosts.includes(only))
    return [];
  const message = `${only} is to be emptied itself; name another target`;
  return [{ path: "targets", code: "target_is_host", message }];
};

const objectionsToAction = (
  { plugin, metadata }: Action,
  path: string,
  mostMinutes: number,
): Finding[] => {
  const findings: Finding[] = [];
  if (plugin === "webhook" && !/^https?:\/\//.test(String(metadata["url"] ?? "")))
    findings.push({
      path: `${path}.url`,
      code: "url_missing",
      message: "a webhook needs the http(s) URL that starts the work",
    });
  const limits = [
    ["seconds", mostMinutes * 60],
    ["ttl_minutes", mostMinutes],
  ] as const;
  for (const [field, most] of limits) {
    const value = Number(metadata[field] ?? 1);
    if (!Number.isInteger(value) || value < 1 || value > most)
      findings.push({
        path: `${path}.${field}`,
        code: "out_of_range",
        message: `must be a whole number from 1 to ${most}`,
      });
  }
  return findings;
};

const objectionsToHost = (
  host: string,
  path: string,
  devices: ReadonlyMap<string, Device>,
): Finding[] => {
  const device = devices.get(host);
  if (device === undefined || device.gone)
    return [
      { path, code: "host_unknown", message: `the inventory has no host ${host}; sync it first` },
    ];
  if (device.hypervisor?.type.toLowerCase() === "ironic")
    return [{ path, code: "host_ironic", message: `${host} is a bare-metal node` }];
  return [];
};

const objectionsToTarget = (
  host: string,
  path: string,
  devices: ReadonlyMap<string, Device>,
): Finding[] => {
  const unknown = objectionsToHost(host, path, devices);
  if (unknown.length > 0) return unknown;
  const { status, state, disabled_reason } = devices.get(host)?.service ?? {};
  if (status === "disabled")
    return [
      {
        path,
        code: "target_disabled",
        message: `${host} is disabled (${disabled_reason ?? "no reason given"}): Nova moves nothing there`,
      },
    ];
  if (state === "down")
    return [{ path, code: "target_down", message: `nova-compute on ${host} is down` }];
  return [];
};
