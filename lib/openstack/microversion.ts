import * as z from "zod";
import { accepted, parseReply, send } from "./http.ts";
import type { Transport } from "./transport.ts";

/** [major, minor]; compared as integers, for 2.100 is newer than 2.93. */
const parts = (version: string): readonly [number, number] => {
  const [major = "", minor = ""] = version.split(".");
  return [Number(major), Number(minor)];
};

/** Negative when `left` is older than `right`, 0 when equal, positive when newer. */
export const compareMicroversions = (left: string, right: string): number => {
  const [leftMajor, leftMinor] = parts(left);
  const [rightMajor, rightMinor] = parts(right);
  return leftMajor - rightMajor || leftMinor - rightMinor;
};

export const olderMicroversion = (left: string, right: string): string =>
  compareMicroversions(left, right) <= 0 ? left : right;

const versionsSchema = z.union([
  z.object({ version: z.object({ version: z.string() }) }).transform((it) => it.version.version),
  z
    .object({ versions: z.array(z.object({ max_version: z.string() })).min(1) })
    .transform((it) => it.versions.map((one) => one.max_version).reduce(newer)),
]);

const newer = (left: string, right: string) =>
  compareMicroversions(left, right) >= 0 ? left : right;

/** GET on the API's root: Nova answers `version.version`, Placement `versions[].max_version`. */
export const newestMicroversion = async (
  type: string,
  url: string,
  transport: Transport,
  timeoutMs: number,
): Promise<string> => {
  const what = `GET ${type}/`;
  const headers = { Accept: "application/json" };
  const reply = await send({ transport }, what, {
    method: "GET",
    url: `${url}/`,
    headers,
    timeoutMs,
  });
  return parseReply(what, accepted(what, reply), versionsSchema).body;
};
