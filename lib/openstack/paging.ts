import { OpenStackError } from "./errors.ts";

type Page<T> = { readonly rows: readonly T[]; readonly more: boolean | undefined };

/** A list that changes under the reader is begun anew this often. */
const RESTARTS = 2;

/**
 * Reads a list to its end, each page after the last row of the one before. When that row has been
 * deleted meanwhile the service refuses it as a marker, and the list is read again from its start:
 * half a list must not pass for a whole one.
 */
export const pages = async <T extends { readonly id: string | number }>(
  read: (marker: string | undefined) => Promise<Page<T>>,
  isMarkerGone: (error: unknown) => boolean,
): Promise<T[]> => {
  for (let restarts = 0; ; restarts++) {
    try {
      return await readAll(read);
    } catch (error) {
      if (restarts >= RESTARTS || !isMarkerGone(error)) throw error;
    }
  }
};

const readAll = async <T extends { readonly id: string | number }>(
  read: (marker: string | undefined) => Promise<Page<T>>,
): Promise<T[]> => {
  const rows = new Map<string | number, T>();
  let marker: string | undefined;
  for (;;) {
    const page = await read(marker);
    const before = rows.size;
    for (const row of page.rows) rows.set(row.id, row);
    const last = page.rows.at(-1);
    if (!page.more || !last || rows.size === before) return [...rows.values()];
    marker = String(last.id);
  }
};

/** Nova's 400 `marker [...] not found`. */
export const isBadMarker = (error: unknown): boolean =>
  error instanceof OpenStackError && error.status === 400 && /marker/i.test(error.detail);
