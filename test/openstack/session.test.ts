import { test } from "vitest";
import { labClouds } from "./lab.ts";
import { maintain, WITHIN_MS } from "./whole-session.ts";

test(
  "with the role maintenance_operator every host is drained, worked on and back as it was, and no server noticed",
  () => maintain(labClouds.operator, (hosts) => hosts),
  WITHIN_MS,
);
