import type { Evidence, Verdict } from "./judge.ts";

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
};

/** The night as a page of text: hosts, moves that were not plain, attention, incidents, verdicts. */
export const reportOf = (evidence: Evidence, verdicts: readonly Verdict[]): string => {
  const { detail, migrations, incidents } = evidence;
  const rowsOf = (id: string, host: string | null) =>
    migrations
      .filter((row) => row.instance_uuid === id && row.source_compute === host)
      .toSorted((a, b) => a.id - b.id);
  return [
    `session ${evidence.session}: ${detail.session.state}`,
    table([
      ["HOST", "OUTCOME", "WHY"],
      ...detail.hosts.map(({ hostname, outcome, phase, details }) => [
        hostname,
        outcome ?? phase,
        details ?? "",
      ]),
    ]),
    `${detail.instances.length} moves, ${migrations.length} migrations; those that were not plain:`,
    table([
      ["INSTANCE", "FROM", "TO", "STATE", "TRIES", "WHY"],
      ...detail.instances
        .map((move) => ({ ...move, tries: rowsOf(move.instance_id, move.host) }))
        .filter(({ state, tries }) => state !== "moved" || tries.length !== 1)
        .map(({ instance_name, host, destination_host, state, tries, details }) => [
          instance_name ?? "",
          host ?? "",
          destination_host ?? "",
          state,
          tries
            .map(({ dest_compute, status }) => `${dest_compute ?? "no host"} ${status}`)
            .join(", "),
          details ?? "",
        ]),
    ]),
    "attention:",
    ...detail.attention.map(
      ({ code, host, instance, message, what_happens_next }) =>
        `  ${[code, host, instance].filter(Boolean).join(" ")}: ${message} | ${what_happens_next}`,
    ),
    "what went wrong, as it was meant to:",
    ...incidents.log.map((line) => `  ${line}`),
    "invariants, as Nova shows them:",
    ...verdicts.flatMap(({ invariant, broken }) => [
      `  ${invariant}: ${broken.length === 0 ? "kept" : "BROKEN"}`,
      ...broken.map((line) => `    ${line}`),
    ]),
  ].join("\n");
};
