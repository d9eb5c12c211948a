import { expect, test } from "vitest";
import { hostIdOf } from "../../../lib/openstack/compute/host-id.ts";

test("a host's id is Nova's own for the project, and none where there is no host", () => {
  // The vector of Nova's unit test.
  expect(hostIdOf("9b9e3c847e904b0686e8ffb20e4c6381", "host")).toBe(
    "fa123c6f74efd4aad95f84096f9e187caa0625925a9e7837b2b46792",
  );
  expect(hostIdOf("9b9e3c847e904b0686e8ffb20e4c6381", "")).toBe("");
});
