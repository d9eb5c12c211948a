import { describe, expect, it } from "vitest";
import { CloudConfigError, cloudConfigFrom } from "../../../lib/openstack/clouds-yaml.ts";

const clouds = `
clouds:
  lab:
    region_name: RegionOne
    interface: internal
    identity_api_version: 3
    auth:
      auth_url: http://127.0.0.1:5000
      username: admin
      password: 12345
      project_name: admin
      user_domain_name: Default
  other:
    auth: {auth_url: "http://10.0.0.1:5000", username: bob, project_name: beta}
`;

const from = (files: Record<string, string>, env: Record<string, string> = {}, cloud?: string) =>
  cloudConfigFrom({ env, cloud, readFile: async (path) => files[path] });

describe("the configuration of a cloud", () => {
  it("is the named cloud of clouds.yaml, with what does not concern us left out", async () => {
    const found = await from({ "./clouds.yaml": clouds }, {}, "lab");
    expect(found).toEqual({
      name: "lab",
      config: {
        auth_url: "http://127.0.0.1:5000",
        username: "admin",
        password: "12345",
        project_name: "admin",
        user_domain_name: "Default",
        region_name: "RegionOne",
        interface: "internal",
        verify: true,
      },
    });
  });

  it("takes the first file of the known places", async () => {
    const files = {
      "/etc/openstack/clouds.yaml": clouds,
      "/home/me/.config/openstack/clouds.yaml": clouds.replace("RegionOne", "Mine"),
    };
    const { config } = await from(files, { HOME: "/home/me", OS_CLOUD: "lab" });
    expect(config.region_name).toBe("Mine");
    const explicit = { ...files, "/x.yaml": clouds.replace("RegionOne", "X") };
    const env = { HOME: "/home/me", OS_CLOUD: "lab", OS_CLIENT_CONFIG_FILE: "/x.yaml" };
    expect((await from(explicit, env)).config.region_name).toBe("X");
  });

  it("takes secrets from secure.yaml", async () => {
    const files = {
      "./clouds.yaml": clouds,
      "./secure.yaml": "clouds: {other: {auth: {password: hidden}}}",
    };
    expect((await from(files, {}, "other")).config).toMatchObject({
      username: "bob",
      password: "hidden",
    });
  });

  it("takes OS_* variables when no cloud is named", async () => {
    const env = {
      OS_AUTH_URL: "http://k:5000/v3",
      OS_APPLICATION_CREDENTIAL_ID: "id",
      OS_APPLICATION_CREDENTIAL_SECRET: "secret",
      OS_ENDPOINT_TYPE: "internalURL",
      OS_INSECURE: "true",
    };
    expect(await from({ "./clouds.yaml": clouds }, env)).toEqual({
      name: "envvars",
      config: {
        auth_url: "http://k:5000/v3",
        application_credential_id: "id",
        application_credential_secret: "secret",
        interface: "internal",
        verify: false,
      },
    });
  });

  it("holds the certificate itself, not its path", async () => {
    const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const yaml = clouds.replace("interface: internal", "cacert: /ca.pem");
    const { config } = await from({ "./clouds.yaml": yaml, "/ca.pem": pem }, {}, "lab");
    expect(config.cacert).toBe(pem);
    await expect(from({ "./clouds.yaml": yaml }, {}, "lab")).rejects.toThrow("cacert /ca.pem");
  });

  it.each([
    ["which files were looked at", {}, undefined, "./clouds.yaml, ./clouds.yml"],
    [
      "which clouds there are",
      { "./clouds.yaml": clouds },
      "nope",
      'no cloud "nope", but lab, other',
    ],
    ["that one must be named", { "./clouds.yaml": clouds }, undefined, "name one"],
    ["what is missing", { "./clouds.yaml": clouds }, "other", "username (or user_id) and password"],
    ["that the file is broken", { "./clouds.yaml": "clouds: [" }, "lab", "is not a clouds.yaml"],
  ])("says %s when it cannot be used", async (_, files, cloud, words) => {
    const error = await from(files, {}, cloud).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CloudConfigError);
    expect(String(error)).toContain(words);
  });
});
