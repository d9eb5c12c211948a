import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  DeploymentError,
  deploymentOf,
  environmentOf,
  unknownNames,
} from "../../localstack/deploy/deployment.ts";
import { CERTIFICATES } from "../lib/certificates.ts";

const KEYSTONE = { LULL_AUTH_URL: "https://keystone.example.org/v3" };
const VPC = {
  LULL_SUBNET_IDS: "subnet-0a1b2c3d, subnet-0a1b2c3d4e5f60718",
  LULL_SECURITY_GROUP_IDS: "sg-0a1b2c3d",
};
const CERTIFICATE = CERTIFICATES["10.0.0.5"];

test("a Keystone is all that a deployment needs to be told", () => {
  expect(deploymentOf(KEYSTONE)).toEqual({
    variables: {
      LULL_STAGE_KIND: "production",
      LULL_LOG_DAYS: "30",
      LULL_SUBNET_IDS: "",
      LULL_SECURITY_GROUP_IDS: "",
      LULL_NETWORK: "public",
      LULL_CA: "",
    },
    ca: null,
    secretName: "lull/cloud",
  });
});

test("subnets and security groups put it into a VPC", () => {
  expect(deploymentOf({ ...KEYSTONE, ...VPC }).variables).toMatchObject({
    LULL_NETWORK: "vpc",
    LULL_SUBNET_IDS: "subnet-0a1b2c3d,subnet-0a1b2c3d4e5f60718",
  });
});

describe("certificates", () => {
  test("are shipped as a file, whether given as text or as a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "lull-ca-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "ca.pem");
    writeFileSync(file, CERTIFICATE.repeat(5));
    for (const LULL_CA of [CERTIFICATE.repeat(5), file]) {
      const { ca, variables } = deploymentOf({ ...KEYSTONE, LULL_CA });
      expect(ca).toBe(CERTIFICATE.repeat(5));
      expect(variables["LULL_CA"]).toBe("dist/ca.pem");
    }
  });

  test.each([
    ["no file", "/nowhere/ca.pem"],
    ["cut short", CERTIFICATE.replace(/.{200}\n-----END/s, "\n-----END")],
  ])("that are %s stop the deployment", (_, LULL_CA) => {
    expect(() => deploymentOf({ ...KEYSTONE, LULL_CA })).toThrow(DeploymentError);
  });
});

describe("what is wrong is named before anything is deployed", () => {
  test.each([
    ["LULL_AUTH_URL", { LULL_AUTH_URL: "" }],
    ["LULL_SUBNET_IDS", { LULL_SUBNET_IDS: "subnet-0a1b2c3d" }],
    ["LULL_SUBNET_IDS", { ...VPC, LULL_SUBNET_IDS: "10.0.0.0/24" }],
    ["LULL_SECURITY_GROUP_IDS", { ...VPC, LULL_SECURITY_GROUP_IDS: "default" }],
    ["LULL_STAGE_KIND", { LULL_STAGE_KIND: "prod" }],
    ["LULL_LOG_DAYS", { LULL_LOG_DAYS: "31" }],
    ["LULL_POLL_SECONDS", { LULL_POLL_SECONDS: "0" }],
    ["LULL_PUBLIC_URL", { LULL_PUBLIC_URL: "http://127.0.0.1:12347" }],
    ["LULL_PROXY", { LULL_PROXY: "http://me:secret@proxy.example:3128" }],
    ["LULL_AODH", { LULL_AODH: "bus" }],
    ["LULL_AODH", { LULL_AODH: "both" }],
    ["LULL_AMQP_QUEUE_ARGUMENTS", { LULL_AMQP_QUEUE_ARGUMENTS: "x-queue-type=quorum" }],
    ["LULL_AMQP_QUEUE_ARGUMENTS", { LULL_AMQP_QUEUE_ARGUMENTS: "[]" }],
    ["LULL_PROXY", { LULL_PROXY: "http:/me:secret@proxy.example:3128" }],
    ["LULL_NO_PROXY", { LULL_NO_PROXY: ".example.org,10.0.0.0/33" }],
    ["LULL_EGRESS_ALLOW", { LULL_EGRESS_ALLOW: "10.0.0.0" }],
    ["LULL_AUTH_URL", { LULL_AUTH_URL: "keystone.example.org" }],
    [
      "LULL_CLOUD_SECRET",
      { LULL_CLOUD_SECRET: "arn:aws:secretsmanager:eu-west-1:1:secret:lull/cloud-AbCdEf" },
    ],
    ["LULL_CLOUD_SECRET", { LULL_CLOUD_SECRET: "lull/*" }],
    ["LULL_AMQP_SECRET", { LULL_AMQP_SECRET: "lull/*" }],
  ])("%s", (name, given) => {
    expect(() => deploymentOf({ ...KEYSTONE, ...given })).toThrow(name);
  });

  test("a secret in a proxy's address is not repeated", () => {
    const given = { ...KEYSTONE, LULL_PROXY: "http://me:canary@proxy.example:3128" };
    expect(() => deploymentOf(given)).toThrow(expect.not.stringContaining("canary"));
  });
});

test("a private key among the certificates is neither shipped nor repeated", () => {
  const key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n";
  for (const LULL_CA of [key, CERTIFICATE + key]) {
    const deploy = () => deploymentOf({ ...KEYSTONE, LULL_CA });
    expect(deploy).toThrow("LULL_CA");
    expect(deploy).toThrow(expect.not.stringContaining("canary"));
  }
});

test("to the framework, too, an empty variable is one that is not given", () => {
  const given = { ...KEYSTONE, LULL_REGION: "", LULL_PUBLIC_URL: "", LULL_STAGE_KIND: "" };
  const deployment = deploymentOf(given);
  expect(environmentOf(given, deployment.variables)).toEqual({
    ...KEYSTONE,
    ...deployment.variables,
  });
  expect(environmentOf(given)).toEqual(KEYSTONE);
});

test("a misspelt setting is told, not ignored", () => {
  const given = { ...KEYSTONE, ...VPC, LULL_TOKEN: "x", LULL_READER_ROLL: "auditor", PATH: "/bin" };
  expect(unknownNames(given)).toEqual(["LULL_READER_ROLL"]);
});
