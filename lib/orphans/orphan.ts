/** What Lull may have left in a cloud, in the order in which it is put right on one host. */
const KINDS = [
  "migration_unfinished",
  "move_unconfirmed",
  "allocation_left",
  "instance_stopped",
  "host_disabled",
  "masakari_maintenance",
  "silence",
] as const;

/** One thing that Lull changed and that is not as it was, with the command that puts it right. */
export type Orphan = {
  readonly kind: (typeof KINDS)[number];
  readonly host: string | null;
  readonly instance_id: string | null;
  /** As the mark tells; null where nothing does. */
  readonly session_id: string | null;
  /** RFC 3339; null where the cloud does not tell. */
  readonly since: string | null;
  readonly message: string;
  /** For a shell. */
  readonly command: string;
  /** The other way to end it, where there are two. */
  readonly alternative: string | null;
};

/** Host by host, each in the order of repair: the enable comes after everything that must precede it. */
export const inOrder = (orphans: readonly Orphan[]): readonly Orphan[] =>
  orphans.toSorted(
    (a, b) =>
      (a.host ?? "~").localeCompare(b.host ?? "~") || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind),
  );

/** Nova writes UTC without a zone. */
export const instantOf = (nova: string | null): string | null => {
  if (nova === null) return null;
  const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(nova) ? nova : `${nova}Z`);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
};
