import * as z from "zod";
import { TransientError } from "../domain/errors.ts";
import { EgressFailedError, type EgressRequest, type EgressResponse } from "../egress.ts";
import { type Monitor, MonitoringError, type Silence } from "./monitor.ts";

export type AlertmanagerOptions = {
  /** Base URL, below which the API lives under /api/v2. */
  readonly url: string;
  /** The label whose value is the host, alone or with a port, e.g. "instance". */
  readonly hostLabel: string;
  /** lib/egress.ts's send with the policy bound. */
  readonly send: (request: EgressRequest) => Promise<EgressResponse>;
  /** E.g. Authorization, where a proxy asks for it. */
  readonly headers?: Readonly<Record<string, string>>;
};

type Wire = Omit<AlertmanagerOptions, "hostLabel">;

const TIMEOUT_MS = 10_000;
/** Alertmanager lists expired silences too, five days of them unless told; there is no paging. */
const MAX_LIST_BYTES = 32 * 1024 * 1024;
const CREATED_BY = "lull";

const matcher = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  isEqual: z.boolean().default(true),
});
const storedSilence = z.object({
  id: z.string(),
  status: z.object({ state: z.enum(["active", "pending", "expired"]) }),
  createdBy: z.string(),
  comment: z.string(),
  startsAt: z.string(),
  endsAt: z.string(),
  matchers: z.array(matcher),
});
type StoredSilence = z.infer<typeof storedSilence>;

/** The key as the end of the comment: people read what comes before it, restore() finds the rest. */
const mark = (key: string) => `[lull ${key}]`;

/** The host and nothing that merely begins, ends or looks like it, in the syntax of RE2. */
const hostPattern = (host: string) =>
  `^(${host.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")})(:[0-9]+)?$`;

/**
 * Silences every alert whose host label names the host.
 *
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export const alertmanager = (options: AlertmanagerOptions): Monitor => ({
  name: "alertmanager",
  // A silence of ours stands beside those of others and never replaces one.
  prior: async () => ({ silenced: false }),
  silence: (silence) => silenceHost(options, silence),
  restore: (_host, key) => restoreHost(options, key),
});

const silenceHost = async (options: AlertmanagerOptions, silence: Silence): Promise<void> => {
  const [current] = await findSilences(options, silence.key);
  await request(options, "POST", "/silences", z.object({ silenceID: z.string() }), {
    ...(current && { id: current.id }),
    matchers: [
      { name: options.hostLabel, value: hostPattern(silence.host), isRegex: true, isEqual: true },
    ],
    // With another start Alertmanager would expire the silence and make a second one.
    startsAt: current?.startsAt ?? silence.from,
    endsAt: silence.until,
    createdBy: CREATED_BY,
    comment: `${silence.comment} ${mark(silence.key)}`,
  });
  const found = await findSilences(options, silence.key);
  if (!found.some((stored) => isInForce(options, silence, stored)))
    throw new TransientError(
      `Alertmanager took the silence of ${silence.host} but does not show it as active until ${silence.until}; is its clock behind?`,
    );
};

const isInForce = (
  { hostLabel }: AlertmanagerOptions,
  { host, until }: Silence,
  { status, endsAt, matchers }: StoredSilence,
): boolean =>
  status.state === "active" &&
  Date.parse(endsAt) >= Date.parse(until) &&
  matchers.every(
    ({ name, value, isEqual }) => name === hostLabel && value === hostPattern(host) && isEqual,
  );

const restoreHost = async (options: AlertmanagerOptions, key: string): Promise<void> => {
  for (const { id } of await findSilences(options, key))
    await request(options, "DELETE", `/silence/${encodeURIComponent(id)}`, z.unknown());
  const left = await findSilences(options, key);
  if (left.length > 0)
    throw new TransientError(
      `Alertmanager still shows silence ${left.map(({ id }) => id).join(", ")} after it was deleted`,
    );
};

/** What has not expired under this key: one, or more where an answer was lost on the way. */
const findSilences = async (
  options: AlertmanagerOptions,
  key: string,
): Promise<readonly StoredSilence[]> =>
  (await silencesOfLull(options)).filter(({ comment }) => comment.endsWith(mark(key)));

/**
 * Every silence of ours that has not expired.
 *
 * @throws MonitoringError | TransientError
 */
export const silencesOfLull = async (options: Wire): Promise<readonly StoredSilence[]> => {
  const all = await request(options, "GET", "/silences", z.array(storedSilence));
  return all.filter(
    ({ createdBy, status }) => createdBy === CREATED_BY && status.state !== "expired",
  );
};

const request = async <S extends z.ZodType>(
  { url, send, headers }: Wire,
  method: string,
  path: string,
  schema: S,
  body?: unknown,
): Promise<z.infer<S>> => {
  const what = `Alertmanager: ${method} ${path}`;
  const response = await sendOrSay(what, () =>
    send({
      url: `${url.replace(/\/$/, "")}/api/v2${path}`,
      method,
      headers: { ...headers, accept: "application/json", "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_LIST_BYTES,
    }),
  );
  const said = `${what}: HTTP ${response.status}: ${response.body.slice(0, 500)}`;
  if (response.status >= 500 || response.status === 429) throw new TransientError(said);
  if (response.status < 200 || response.status > 299) throw new MonitoringError(said);
  const parsed = schema.safeParse(parseJson(response.body));
  if (!parsed.success) throw new MonitoringError(`${what}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
};

const sendOrSay = async (what: string, send: () => Promise<EgressResponse>) => {
  try {
    return await send();
  } catch (cause) {
    const message = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
    if (cause instanceof EgressFailedError) throw new TransientError(message, { cause });
    throw new MonitoringError(message, { cause });
  }
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
