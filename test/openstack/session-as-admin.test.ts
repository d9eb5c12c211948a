import { test } from "vitest";
import { labClouds } from "./lab.ts";
import { maintain, WITHIN_MS } from "./whole-session.ts";

// A file of its own: handlers read their settings once in a process.
test(
  "with the role admin a host is drained, worked on and back as it was, and no server noticed",
  () => maintain(labClouds.admin, (hosts) => hosts.slice(0, 1)),
  WITHIN_MS,
);
