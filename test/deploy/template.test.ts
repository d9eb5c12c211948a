import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { compiledTemplate } from "../../localstack/compiled.ts";
import { findTools } from "./tools.ts";

const tools = await findTools();

/**
 * What the framework writes and we cannot: dependencies that a reference implies already (W3005), and
 * a condition that is decided while packaging (W8003).
 */
const FRAMEWORK = ["W3005", "W8003"];

const VPC = {
  LULL_NETWORK: "vpc",
  LULL_SUBNET_IDS: "subnet-0a1b2c3d",
  LULL_SECURITY_GROUP_IDS: "sg-0a1b2c3d",
};

test.skipIf(tools === null).each([
  ["of a production stage", {}],
  ["of an ephemeral stage", { LULL_STAGE_KIND: "ephemeral" }],
  ["in a VPC", VPC],
])("cfn-lint finds nothing in a template %s", async (_, variables) => {
  const folder = mkdtempSync(join(tmpdir(), "lull-template-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "template.json");
  writeFileSync(file, JSON.stringify(await compiledTemplate(variables)));
  const args = ["--ignore-checks", ...FRAMEWORK, "--", file];
  const lint = promisify(execFile)(tools?.cfnLint ?? "", args);
  expect(await lint.catch((error: { stdout: string }) => error)).toMatchObject({ stdout: "" });
});
