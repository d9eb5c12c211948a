/**
 * Whether a project was told something: `none` = nobody there wants to hear of it, `pending` = not
 * decided yet, `reached` = some receiver has it or may have it, `not_reached` = all were given up.
 * Not reached is not silent: who was not told cannot answer.
 */
export type Reach = {
  readonly kind: "none" | "pending" | "reached" | "not_reached";
  /** When the first receiver had it; null = it is not known, or none has. */
  readonly since: string | null;
};

/** What is known of one event's receivers; `complete` = all of them were found out. */
export type Reached = {
  readonly receivers: readonly string[];
  readonly complete: boolean;
  readonly outcomes: Readonly<Record<string, "reached" | "not_reached">>;
  readonly reached_at: string | null;
};

/** The same of several events of one instant: each of them has to have got through. */
export const reachIn = (events: readonly Reached[]): Reach => {
  const all = events.map(kindOf);
  const [worst] = (["not_reached", "pending", "reached", "none"] as const).filter((reach) =>
    all.includes(reach),
  );
  const instants = events.flatMap(({ reached_at }) => reached_at ?? []);
  // Published, perhaps, and not yet looked at.
  return { kind: worst ?? "pending", since: instants.toSorted().at(-1) ?? null };
};

const kindOf = ({ receivers, complete, outcomes }: Reached): Reach["kind"] => {
  if (Object.values(outcomes).includes("reached")) return "reached";
  if (!complete || receivers.some((id) => outcomes[id] === undefined)) return "pending";
  return receivers.length === 0 ? "none" : "not_reached";
};
