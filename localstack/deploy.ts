import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { bundleEach, PROJECT } from "./bundle.ts";
import {
  CA_FILE,
  type Deployment,
  DeploymentError,
  deploymentOf,
  environmentOf,
  unknownNames,
} from "./deploy/deployment.ts";

const HELP = `Deploys Lull to AWS, or to an emulator of it under AWS_ENDPOINT_URL.

Usage: npm run deploy  -- --stage STAGE [--region REGION]   builds, then creates or updates the stack
       npm run package -- --stage STAGE [--region REGION]   builds the archives and the template only
       npm run remove  -- --stage STAGE [--region REGION]   deletes the stack

  --stage STAGE     name of this deployment: letters, digits and hyphens, at most 24
  --region REGION   where to (default: AWS_REGION, else us-east-1)
  --force           deploy although nothing has changed: all functions start anew, and read their secret
  --verbose         tell each resource as it is made
  --help            this text

Settings are read from LULL_* variables, LULL_AUTH_URL at least, and AWS credentials from where the
AWS SDK finds them. docs/deployment.md says what to prepare, and what it costs.`;

const options = {
  stage: { type: "string" },
  region: { type: "string" },
  force: { type: "boolean", default: false },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const COMMANDS = ["deploy", "package", "remove"];

const fail = (message: string, code = 1): never => {
  console.error(message);
  process.exit(code);
};

const readArguments = () => {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [command = "", ...others] = positionals;
    if (values.help) return { command: "help", stage: "", region: "", flags: [] };
    if (!COMMANDS.includes(command) || others.length > 0)
      return fail(`what is "${positionals.join(" ")}"? Options go after --\n\n${HELP}`, 2);
    const stage = values.stage ?? "";
    if (!/^[a-z][a-z0-9-]{0,23}$/i.test(stage))
      return fail(
        `--stage takes a name of letters, digits and hyphens, at most 24, that begins with a letter; not "${stage}"`,
        2,
      );
    const region = values.region ?? process.env["AWS_REGION"] ?? "us-east-1";
    const flags = (["force", "verbose"] as const)
      .filter((name) => values[name] && (name !== "force" || command === "deploy"))
      .map((name) => `--${name}`);
    return { command, stage, region, flags };
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : error}\n\n${HELP}`, 2);
  }
};

/** Runs the framework in the foreground. @returns its exit code */
const serverless = (args: readonly string[], variables: Deployment["variables"]): number => {
  const program = join(PROJECT, "node_modules", ".bin", "serverless");
  const { status, error } = spawnSync(program, args, {
    cwd: PROJECT,
    env: environmentOf(process.env, variables),
    stdio: "inherit",
  });
  if (error) throw error;
  return status ?? 1;
};

const build = async ({ ca }: Deployment): Promise<void> => {
  rmSync(join(PROJECT, "dist"), { recursive: true, force: true });
  await bundleEach("dist");
  if (ca !== null) writeFileSync(join(PROJECT, CA_FILE), ca);
};

/** Says what is still missing before the first session. */
const tellAboutSecret = async (name: string, region: string): Promise<void> => {
  const client = new SecretsManagerClient({ region });
  try {
    await client.send(new DescribeSecretCommand({ SecretId: name }));
    console.log(`\nThe secret ${name} with the cloud's credential is there.`);
  } catch (error) {
    if (error instanceof ResourceNotFoundException)
      console.log(`
The secret ${name} with the cloud's credential does not exist yet in ${region}; nothing can be done
to the cloud before it does:

  aws secretsmanager create-secret --region ${region} --name ${name} --secret-string file://cloud.json`);
    else console.warn(`\nWhether the secret ${name} exists could not be seen: ${error}`);
  }
};

const { command, stage, region, flags } = readArguments();
if (command === "help") {
  console.log(HELP);
  process.exit(0);
}
const framework = [command, "--stage", stage, "--region", region, ...flags];
try {
  if (command === "remove") {
    process.exitCode = serverless(framework, {});
  } else {
    for (const name of unknownNames(process.env))
      console.warn(`warning: ${name} is no setting of Lull; it has no effect`);
    const deployment = deploymentOf(process.env);
    console.log(
      `A stage of kind ${deployment.variables["LULL_STAGE_KIND"]}: lull-${stage} in ${region}`,
    );
    await build(deployment);
    process.exitCode = serverless(framework, deployment.variables);
    if (command === "deploy" && process.exitCode === 0)
      await tellAboutSecret(deployment.secretName, region);
  }
} catch (error) {
  if (!(error instanceof DeploymentError)) throw error;
  fail(error.message);
}
