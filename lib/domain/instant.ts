import * as z from "zod";

/**
 * An instant as the API takes it: RFC 3339 with a zone, or Fenix's `YYYY-MM-DD HH:MM:SS`, which
 * is UTC. Comes out as RFC 3339 in UTC with milliseconds, so that strings sort like time.
 */
export const instantSchema = z
  .union([z.iso.datetime({ offset: true }), z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)], {
    error: "must be RFC 3339 (2026-03-01T06:00:00Z) or `YYYY-MM-DD HH:MM:SS` in UTC",
  })
  .transform((text) => (text.includes(" ") ? `${text.replace(" ", "T")}Z` : text))
  .pipe(z.iso.datetime({ offset: true, error: "is not a date that exists" }))
  .transform((text) => new Date(text).toISOString())
  .refine((text) => /^\d{4}-/.test(text), "is not in the years 0000 to 9999");

/** `at` moved by `seconds`, which may be negative. */
export const later = (at: string, seconds: number): string =>
  new Date(Date.parse(at) + seconds * 1000).toISOString();

/** Whole seconds from `from` until `to`, rounded up; negative when `to` has passed. */
export const secondsUntil = (from: string, to: string): number =>
  Math.ceil((Date.parse(to) - Date.parse(from)) / 1000);
