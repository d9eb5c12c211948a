/** A span in which the alarms and the self-healing of one host must stay quiet. */
export type Silence = {
  /** The host as Nova names it. */
  readonly host: string;
  /** "<session_id>/<host>": stable over retries, so that a repeated call renews instead of adding. */
  readonly key: string;
  /** RFC 3339 UTC. */
  readonly from: string;
  /** RFC 3339 UTC; where the system can, the silence ends by itself here. */
  readonly until: string;
  /** For the people who will find it in the monitoring system. */
  readonly comment: string;
};

/**
 * Whether a host was already silenced in a way that silence() and restore() would overwrite.
 * Read once, before the first silence() of a key, and kept with the intent: a run that takes over
 * half way could no longer tell our mark from an operator's.
 */
type Prior = { readonly silenced: boolean };

/** One monitoring or self-healing system, as the host run needs it. */
export type Monitor = {
  readonly name: string;
  /** @throws MonitoringError | TransientError */
  prior(host: string): Promise<Prior>;
  /**
   * Starts or renews; safe to repeat with the same key; resolves only when reading back shows that
   * it is in force.
   *
   * @throws MonitoringError | TransientError
   */
  silence(silence: Silence): Promise<void>;
  /**
   * Ends what silence() began under this key and leaves what was there before it; nothing there is
   * success; resolves only when read back.
   *
   * @throws MonitoringError | TransientError
   */
  restore(host: string, key: string, prior: Prior): Promise<void>;
};

/** A monitoring system refused; repeating the same call will not help, a person has to look. */
export class MonitoringError extends Error {
  override readonly name = "MonitoringError";
}
