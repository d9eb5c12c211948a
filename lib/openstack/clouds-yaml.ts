import { readFile as readFromDisk } from "node:fs/promises";
import { parse } from "yaml";
import * as z from "zod";
import { type CloudConfig, cloudConfigSchema } from "./cloud.ts";

/** The configuration of a cloud cannot be found or is not usable; the message says which file and what to set. */
export class CloudConfigError extends Error {
  override readonly name = "CloudConfigError";
}

export type ConfigSource = {
  /** The environment: OS_CLIENT_CONFIG_FILE, OS_CLOUD, OS_AUTH_URL ... and HOME. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Wins over OS_CLOUD. */
  readonly cloud?: string | undefined;
  /** The text of a file, undefined when there is none. */
  readonly readFile?: (path: string) => Promise<string | undefined>;
};

export type NamedCloudConfig = { readonly name: string; readonly config: CloudConfig };

/**
 * Finds a cloud the way openstacksdk does: the first clouds.yaml of OS_CLIENT_CONFIG_FILE, the
 * working directory, ~/.config/openstack, /etc/openstack, with secrets from a secure.yaml beside
 * it; the cloud is the one named, else OS_CLOUD, else the only one. Without any cloud named, OS_*
 * variables win. https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
 *
 * @throws CloudConfigError
 */
export const cloudConfigFrom = async ({
  env,
  cloud,
  readFile = readIfThere,
}: ConfigSource): Promise<NamedCloudConfig> => {
  const wanted = cloud ?? (env["OS_CLOUD"] || undefined);
  if (wanted === undefined && env["OS_AUTH_URL"])
    return { name: "envvars", config: await check("OS_* variables", fromEnv(env), readFile) };
  const files = await cloudsFiles(env, readFile);
  if (!files) {
    const missing = wanted === undefined ? "and OS_AUTH_URL is not set" : `for cloud "${wanted}"`;
    throw new CloudConfigError(
      `no clouds.yaml found (looked at ${places(env, "clouds").join(", ")}) ${missing}`,
    );
  }
  const names = Object.keys(files.clouds);
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined)
    throw new CloudConfigError(
      `${files.path} has clouds ${names.join(", ") || "(none)"}: name one, for example with OS_CLOUD`,
    );
  const entry = files.clouds[name];
  if (!entry)
    throw new CloudConfigError(
      `${files.path} has no cloud "${name}", but ${names.join(", ") || "none"}`,
    );
  const settings = flatten(merge(entry, files.secrets[name] ?? {}), env["OS_REGION_NAME"]);
  return { name, config: await check(`cloud "${name}" in ${files.path}`, settings, readFile) };
};

type Settings = Record<string, unknown>;
type ReadFile = NonNullable<ConfigSource["readFile"]>;

const readIfThere: ReadFile = async (path) => {
  try {
    return await readFromDisk(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new CloudConfigError(`cannot read ${path}: ${String(error)}`);
  }
};

const places = (env: ConfigSource["env"], file: "clouds" | "secure"): string[] => {
  const explicit = env[file === "clouds" ? "OS_CLIENT_CONFIG_FILE" : "OS_CLIENT_SECURE_FILE"];
  const folders = [
    ".",
    ...(env["HOME"] ? [`${env["HOME"]}/.config/openstack`] : []),
    "/etc/openstack",
  ];
  return [
    ...(explicit ? [explicit] : []),
    ...folders.flatMap((folder) => [`${folder}/${file}.yaml`, `${folder}/${file}.yml`]),
  ];
};

const mapping = z.record(z.string(), z.unknown());
const fileSchema = z.object({ clouds: z.record(z.string(), mapping.nullable()).default({}) });

const readClouds = async (paths: readonly string[], readFile: ReadFile) => {
  for (const path of paths) {
    const text = await readFile(path);
    if (text === undefined) continue;
    try {
      const { clouds } = fileSchema.parse(parse(text) ?? {});
      return { path, clouds };
    } catch (error) {
      throw new CloudConfigError(`${path} is not a clouds.yaml: ${String(error)}`);
    }
  }
  return undefined;
};

const cloudsFiles = async (env: ConfigSource["env"], readFile: ReadFile) => {
  const found = await readClouds(places(env, "clouds"), readFile);
  if (!found) return undefined;
  const secure = await readClouds(places(env, "secure"), readFile);
  return { ...found, secrets: secure?.clouds ?? {} };
};

const isMapping = (value: unknown): value is Settings => mapping.safeParse(value).success;

const merge = (base: Settings, over: Settings): Settings => {
  const merged: Settings = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isMapping(below) && isMapping(value) ? merge(below, value) : value;
  }
  return merged;
};

/** openstacksdk's two spellings of one thing; the left is ours. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  region_name: ["region"],
  interface: ["endpoint_type"],
  project_name: ["tenant_name"],
  project_id: ["tenant_id"],
  verify: ["insecure"],
};

const flatten = ({ auth, ...settings }: Settings, region: string | undefined): Settings => {
  const flat = { ...settings, ...(isMapping(auth) ? auth : {}) };
  if (region) flat["region_name"] = region;
  return known(flat);
};

/** Keeps what the schema knows: clouds.yaml holds much that is not about reaching the cloud. */
const known = (settings: Settings): Settings =>
  Object.fromEntries(
    Object.keys(cloudConfigSchema.shape).flatMap((key) => {
      const spelling = [key, ...(SYNONYMS[key] ?? [])].find(
        (name) => settings[name] !== undefined && settings[name] !== null && settings[name] !== "",
      );
      if (spelling === undefined) return [];
      return [[key, settingFrom(spelling, settings[spelling])]];
    }),
  );

/** A password of digits is a number to YAML; a variable is never anything but text. */
const settingFrom = (spelling: string, value: unknown): unknown => {
  if (spelling === "insecure") return !truthy(value);
  if (spelling === "verify") return truthy(value);
  return typeof value === "number" ? String(value) : value;
};

const truthy = (value: unknown): boolean => /^(1|true|yes|on)$/i.test(String(value));

/** OS_USERNAME -> username ..., with the old names of an openrc file. */
const fromEnv = (env: ConfigSource["env"]): Settings => {
  const settings: Settings = {};
  for (const [key, value] of Object.entries(env))
    if (key.startsWith("OS_") && value) settings[key.slice(3).toLowerCase()] = value;
  return known(settings);
};

const check = async (
  where: string,
  settings: Settings,
  readFile: ReadFile,
): Promise<CloudConfig> => {
  const path = settings["cacert"];
  const cacert = typeof path === "string" ? await readFile(path) : undefined;
  if (path !== undefined && cacert === undefined)
    throw new CloudConfigError(`${where}: cacert ${String(path)} cannot be read`);
  const parsed = cloudConfigSchema.safeParse({ ...settings, ...(cacert && { cacert }) });
  if (parsed.success) return parsed.data;
  throw new CloudConfigError(`${where}: ${z.prettifyError(parsed.error)}`);
};
