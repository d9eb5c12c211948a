import type { Device } from "./device.ts";
import type { Finding } from "./errors.ts";
import type { Action, NewSession } from "./session.ts";

/** A start this far in the past is a typing error, not impatience. */
const OLDEST_START_MS = 5 * 60_000;

/**
 * What is wrong with a request for a session, as far as the inventory tells: nothing is asked of
 * the cloud here.
 *
 * @param devices the region's hosts by name
 * @param mostActionMinutes the operator's limit on the length of one action
 */
export const objectionsTo = (
  request: NewSession,
  devices: ReadonlyMap<string, Device>,
  now: string,
  mostActionMinutes: number,
): Finding[] => [
  ...objectionsToTimes(request, now),
  ...request.hosts.flatMap((host, n) => objectionsToHost(host, `hosts.${n}`, devices)),
  ...request.targets.flatMap((host, n) => objectionsToTarget(host, `targets.${n}`, devices)),
  ...objectionsToOnlyTarget(request),
  ...request.actions.flatMap((action, n) =>
    objectionsToAction(action, `actions.${n}.metadata`, mostActionMinutes),
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
