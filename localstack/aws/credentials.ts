import { randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { readPrivate, writePrivate } from "./private-file.ts";

const credentialsSchema = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });
export type Credentials = z.infer<typeof credentialsSchema>;

/** The data folder's access key, made at random when the folder is new: being on this machine is no permission. */
export const openCredentials = (folder: string): Credentials => {
  const path = join(folder, "credentials.json");
  const kept = readPrivate(path);
  if (kept !== undefined) return credentialsSchema.parse(kept);
  const fresh = {
    accessKeyId: `AKIA${randomBytes(12).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString("base64url"),
  };
  writePrivate(path, fresh);
  return fresh;
};

/** The access key id in an AWS Signature Version 4 header; undefined when there is none. */
export const accessKeyOf = (authorization: string | undefined): string | undefined =>
  /\bCredential=([^/,\s]+)\//.exec(authorization ?? "")?.[1];

/**
 * Whether a request was made with the folder's access key. The signature is not computed again: the
 * key id is itself as hard to guess as a secret, and it never leaves this machine.
 */
export const isKeyOf = (credentials: Credentials, accessKeyId: string): boolean => {
  const given = Buffer.from(accessKeyId);
  const expected = Buffer.from(credentials.accessKeyId);
  return given.length === expected.length && timingSafeEqual(given, expected);
};
