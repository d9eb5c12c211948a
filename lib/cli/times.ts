import { UsageError } from "./exit.ts";

const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/**
 * An instant as people write it: "now", "+1h30m", or RFC 3339 with a zone.
 *
 * @param now milliseconds since the epoch
 * @returns RFC 3339 in UTC
 * @throws UsageError naming the option
 */
export const parseInstant = (option: string, text: string, now: number): string => {
  if (text === "now") return new Date(now).toISOString();
  if (/^\+(\d+[dhms])+$/.test(text)) {
    const seconds = [...text.matchAll(/(\d+)([dhms])/g)].reduce(
      (sum, [, count, unit = ""]) => sum + Number(count) * (UNIT_SECONDS[unit] ?? 0),
      0,
    );
    return new Date(now + seconds * 1000).toISOString();
  }
  const zoned = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i.test(text);
  const instant = Date.parse(text.replace(" ", "T"));
  if (zoned && !Number.isNaN(instant)) return new Date(instant).toISOString();
  const hint = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/.test(text)
    ? `"${text}" does not say which time zone: write ${text.replace(" ", "T")}Z for UTC`
    : `"${text}" is not a time: write now, +30m, +1h30m, +2d or 2026-03-01T06:00:00Z`;
  throw new UsageError(`${option}: ${hint}`);
};

const localTime = (date: Date, utcDay: string): string => {
  const parts = new Intl.DateTimeFormat("en-CA", {
    dateStyle: "short",
    timeStyle: "long",
    hour12: false,
  }).formatToParts(date);
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((one) => one.type === type)?.value ?? "";
  const day = `${part("year")}-${part("month")}-${part("day")}`;
  const time = `${part("hour")}:${part("minute")}:${part("second")} ${part("timeZoneName")}`;
  return day === utcDay ? time : `${day} ${time}`;
};

/** "2026-03-01 06:00:00Z (07:00:00 GMT+1)": UTC, and local where that is another. */
export const showTime = (instant: string | null | undefined): string => {
  if (!instant) return "";
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return instant;
  const utc = date.toISOString();
  const shown = `${utc.slice(0, 10)} ${utc.slice(11, 19)}Z`;
  return date.getTimezoneOffset() === 0 ? shown : `${shown} (${localTime(date, utc.slice(0, 10))})`;
};

const two = (count: number) => String(count).padStart(2, "0");

/**
 * "03:12Z (04:12)": the time of day in UTC, and local where that is another; with the day when it
 * is not that of `now`, milliseconds since the epoch.
 */
export const showClock = (instant: string, now?: number): string => {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return instant;
  const utc = date.toISOString();
  const today = now === undefined || utc.slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  const shown = `${today ? "" : `${utc.slice(0, 10)} `}${utc.slice(11, 16)}Z`;
  const local = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return date.getTimezoneOffset() === 0 ? shown : `${shown} (${local})`;
};

/** "1h02m", "4m10s", "7s". */
export const showDuration = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  return minutes > 0 ? `${minutes}m${two(seconds % 60)}s` : `${seconds}s`;
};
