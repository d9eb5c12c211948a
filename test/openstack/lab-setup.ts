import { bringDown, bringUp, isUp } from "./lab.ts";

let ours = false;

/** Brings the lab up before the first test file, or reuses the one that runs in `LAB`. */
export async function setup(): Promise<void> {
  ours = !(await isUp());
  await bringUp();
}

/** Stops the lab if these tests started it. Its data stays: the next start takes half a minute. */
export async function teardown(): Promise<void> {
  if (ours) await bringDown();
}
