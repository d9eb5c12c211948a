/** Amounts by resource class, e.g. {VCPU: 2, MEMORY_MB: 4096}. */
type Amounts = Readonly<Record<string, number>>;

/**
 * Room that moves will take which have just begun. Nova books it in Placement some time after it has
 * accepted the call; until then Placement offers it to the next one, and Nova refuses that one later.
 */
export type Promises = {
  /** Whether any room was promised. */
  readonly any: () => boolean;
  /** What was promised of a host. */
  readonly to: (host: string) => Amounts;
  readonly promise: (host: string, need: Amounts) => void;
};

/** Promises of one round: what earlier ones have begun is booked by now. */
export const openPromises = (): Promises => {
  const promised = new Map<string, Record<string, number>>();
  const to = (host: string) => promised.get(host) ?? {};
  return {
    any: () => promised.size > 0,
    to,
    promise: (host, need) => {
      const sum = { ...to(host) };
      for (const [name, amount] of Object.entries(need)) sum[name] = (sum[name] ?? 0) + amount;
      promised.set(host, sum);
    },
  };
};

/**
 * Whether a host that has room for what is needed keeps enough for what was promised of it. What was
 * promised may be booked already, and so be counted twice: that costs a round, and no refusal.
 *
 * @param resources of the host; what it does not tell of is not in the way
 */
export const fitsBeside = (
  promised: Amounts,
  need: Amounts,
  resources: Readonly<Record<string, { readonly capacity: number; readonly used: number }>>,
): boolean =>
  Object.entries(promised).every(([name, amount]) => {
    const { capacity, used } = resources[name] ?? { capacity: Number.POSITIVE_INFINITY, used: 0 };
    return used + amount + (need[name] ?? 0) <= capacity;
  });
