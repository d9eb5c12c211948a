import { OBJECTIVES } from "../client/maintenance.ts";
import type { CurvePoint, Outcome, Plan } from "../client/plans.ts";
import { alignedLines, clean } from "./output.ts";
import { showClock, showDuration, showTime } from "./times.ts";

/**
 * What a plan comes to: both objectives side by side, how bad the chosen one gets and which hosts it
 * leaves out, and what it does not know.
 *
 * @param curve of the chosen one
 */
export const planLines = (
  plan: Plan,
  objective: string,
  curve: readonly CurvePoint[],
): string[] => {
  const { outcomes = {}, starts_at, warnings } = plan;
  const chosen = outcomes[objective];
  return [
    `plan ${plan.plan_id}, from ${showTime(starts_at)}`,
    ...alignedLines(comparison(plan, objective)),
    ...worstLines(curve),
    ...(chosen ? blockedLines(chosen) : []),
    ...warnings.map(({ code, message }) => `! ${clean(code)}: ${clean(message)}`),
  ];
};

const comparison = (
  { outcomes = {}, lower_bound_seconds }: Plan,
  objective: string,
): string[][] => {
  const shown = OBJECTIVES.flatMap((name) => {
    const outcome = outcomes[name];
    return outcome ? [{ name, outcome }] : [];
  });
  const row = (title: string, of: (outcome: Outcome) => string) => [
    title,
    ...shown.map(({ outcome }) => of(outcome)),
  ];
  const bound = typeof lower_bound_seconds === "number" ? duration(lower_bound_seconds) : "";
  return [
    ["", ...shown.map(({ name }) => (name === objective ? `${name} *` : name))],
    row("hosts maintained", ({ hosts_maintained: done, hosts_blocked: left }) =>
      left === 0 ? String(done) : `${done}, ${left} blocked`,
    ),
    row("moves", ({ moves }) => String(moves)),
    row("takes", (one) => duration(one.makespan_seconds)),
    row(
      "between",
      (one) => `${duration(one.makespan_low_seconds)} and ${duration(one.makespan_high_seconds)}`,
    ),
    row("ends", ({ ends_at }) => showTime(ends_at)),
    row(
      "between",
      ({ ends_at_low, ends_at_high }) =>
        `${showClock(ends_at_low, Date.parse(ends_at_low))} and ${showClock(ends_at_high, Date.parse(ends_at_low))}`,
    ),
    ...(bound === "" ? [] : [["at least", bound]]),
  ];
};

const duration = (seconds: number): string => showDuration(seconds * 1000);

const blockedLines = ({ blocked, hosts_blocked }: Outcome): string[] => {
  if (hosts_blocked === 0) return [];
  const rows = blocked.map(({ host, rule, instance_name, why, missing }) => [
    clean(host),
    clean(rule),
    clean(instance_name ?? ""),
    clean([why ?? "", missingText(missing ?? {})].filter(Boolean).join("; ")),
  ]);
  const rest = hosts_blocked - blocked.length;
  return [
    "blocked:",
    ...alignedLines(rows).map((line) => `  ${line}`),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ];
};

/** Each figure by itself: not all of them have to come at the same time. */
const worstLines = (curve: readonly CurvePoint[]): string[] => {
  const [first] = curve;
  if (first === undefined) return [];
  const most = (of: (point: CurvePoint) => number) => Math.max(...curve.map(of));
  const free = Object.keys(first.free)
    .map((name) => `${name} ${Math.min(...curve.map((point) => point.free[name] ?? 0))}`)
    .join(", ");
  const members = most(({ impacted_members }) => impacted_members);
  return [
    `at the worst: ${most(({ hosts_out }) => hosts_out)} hosts out, ${most(({ impacted }) => impacted)} instances impacted (${members} in groups)`,
    ...(free === "" ? [] : [`at the least free: ${clean(free)}`]),
  ];
};

const missingText = (missing: Readonly<Record<string, number>>): string => {
  const lacks = Object.entries(missing).filter(([, amount]) => amount > 0);
  return lacks.length === 0
    ? ""
    : `missing ${lacks.map(([name, amount]) => `${name} ${amount}`).join(", ")}`;
};
