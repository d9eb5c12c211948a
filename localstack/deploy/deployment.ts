import { X509Certificate } from "node:crypto";
import * as z from "zod";
import { parseSettings, SETTING_NAMES } from "../../lib/config.ts";

/** What stands in the way of a deployment, in words for whoever asked for it. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
}

export type Deployment = {
  /** What serverless.yml reads, besides what is set already. */
  readonly variables: Readonly<Record<string, string>>;
  /** Certificates that the functions are to trust, PEM text; shipped as a file, see `CA_FILE`. */
  readonly ca: string | null;
  readonly secretName: string;
};

/** Where a bundle of certificates lies in every archive; a function's environment holds 4 KB only. */
export const CA_FILE = "dist/ca.pem";

/** What CloudWatch Logs takes (API reference, PutRetentionPolicy). */
const LOG_DAYS =
  "1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653".split(" ");

const ids = (prefix: string, most: number) => {
  const id = `${prefix}-[0-9a-f]{8,17}`;
  return z
    .string()
    .default("")
    .transform((text) => text.replaceAll(/\s/g, ""))
    .refine((text) => text === "" || new RegExp(`^${id}(,${id}){0,${most - 1}}$`).test(text), {
      error: `is not a list of 1 to ${most} ids such as ${prefix}-0a1b2c3d, with commas between`,
    });
};

const deploymentSchema = z
  .object({
    LULL_SUBNET_IDS: ids("subnet", 16),
    LULL_SECURITY_GROUP_IDS: ids("sg", 5),
    LULL_STAGE_KIND: z.enum(["production", "ephemeral"]).default("production"),
    LULL_LOG_DAYS: z.enum(LOG_DAYS, { error: `is none of ${LOG_DAYS.join(", ")}` }).default("30"),
  })
  .refine((given) => (given.LULL_SUBNET_IDS === "") === (given.LULL_SECURITY_GROUP_IDS === ""), {
    error: "a VPC takes LULL_SUBNET_IDS and LULL_SECURITY_GROUP_IDS: give both or neither",
  });

/** What the stack itself tells its functions. */
const FROM_STACK = {
  TABLE_NAME: "-",
  BUS_NAME: "-",
  SESSION_MACHINE_ARN: "-",
  HOST_MACHINE_ARN: "-",
};

/** Read by the `lull` command, or set by this program. */
const OTHER_NAMES = ["LULL_ENDPOINT", "LULL_TOKEN", "LULL_NETWORK", "LULL_LAB"];

/** For an API that has no other name than AWS's: any that is not on loopback. */
const OWN_URL = "https://own.invalid";

/**
 * Checks what a deployment is given, before it takes minutes to fail or, worse, works and is wrong.
 *
 * @param given the variables of the process: LULL_* as in docs/configuration.md and docs/deployment.md
 * @throws DeploymentError naming each bad variable
 */
export const deploymentOf = (given: Readonly<Record<string, string | undefined>>): Deployment => {
  if (!/^https?:\/\/./.test(given["LULL_AUTH_URL"] ?? ""))
    throw new DeploymentError(
      "set LULL_AUTH_URL to the Keystone that knows the callers of the API, such as https://keystone.example.org/v3",
    );
  const filled = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
  const parsed = deploymentSchema.safeParse(filled);
  if (!parsed.success) throw new DeploymentError(z.prettifyError(parsed.error));
  const settings = settingsOf({
    LULL_CLOUD: "default",
    LULL_REGION: "RegionOne",
    LULL_CLOUD_SECRET: "lull/cloud",
    LULL_PUBLIC_URL: OWN_URL,
    ...filled,
    ...FROM_STACK,
  });
  // A role may read the secret of that name: an ARN in its place would allow nothing, a wildcard too much.
  for (const name of ["LULL_CLOUD_SECRET", "LULL_AMQP_SECRET"] as const)
    if (!/^[\w/+=.@-]{1,512}$/.test(settings[name] ?? "none"))
      throw new DeploymentError(`${name} is not the name of a secret, such as lull/cloud`);
  const { LULL_SUBNET_IDS, LULL_SECURITY_GROUP_IDS, ...rest } = parsed.data;
  return {
    variables: {
      ...rest,
      LULL_SUBNET_IDS,
      LULL_SECURITY_GROUP_IDS,
      LULL_NETWORK: LULL_SUBNET_IDS === "" ? "public" : "vpc",
      LULL_CA: settings.LULL_CA === "" ? "" : CA_FILE,
    },
    ca: settings.LULL_CA === "" ? null : checkedCertificates(settings.LULL_CA),
    secretName: settings.LULL_CLOUD_SECRET,
  };
};

/**
 * What the framework runs with, which takes an empty variable for a value: it would be deployed, and keep
 * every function from starting.
 */
export const environmentOf = (
  given: Readonly<Record<string, string | undefined>>,
  variables: Deployment["variables"] = {},
): Record<string, string | undefined> => ({
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== "")),
  ...variables,
});

const settingsOf = (variables: Readonly<Record<string, string | undefined>>) => {
  try {
    return parseSettings(variables);
  } catch (error) {
    throw new DeploymentError(error instanceof Error ? error.message : String(error));
  }
};

/** A bundle that cannot be read would fail each call at Keystone, long after the deployment. */
const checkedCertificates = (pem: string): string => {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    throw new DeploymentError("LULL_CA holds a private key; give the certificates alone");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new DeploymentError("LULL_CA holds no certificate");
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch (cause) {
    throw new DeploymentError("LULL_CA holds a certificate that cannot be read", { cause });
  }
  return pem;
};

/** Variables that look like settings and are none: mistakes, mostly, and never without a word. */
export const unknownNames = (given: Readonly<Record<string, string | undefined>>): string[] => {
  const known = [...SETTING_NAMES, ...Object.keys(deploymentSchema.shape), ...OTHER_NAMES];
  return Object.keys(given).filter((name) => name.startsWith("LULL_") && !known.includes(name));
};
