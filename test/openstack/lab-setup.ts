import { bringDown, bringUp, healLab, holdLab, isUp } from "./lab.ts";

let letGo = () => {};
let ours = false;

/**
 * Before the first test file: waits for other test runs, then reuses the lab that runs in `LAB` or
 * brings it up, with Aodh, and undoes what an interrupted run has left.
 */
export async function setup(): Promise<void> {
  letGo = await holdLab();
  ours = !(await isUp());
  await bringUp({ EXTRAS: "aodh" });
  await healLab();
}

/** Stops the lab if these tests started it. Its data stays: the next start takes half a minute. */
export async function teardown(): Promise<void> {
  if (ours) await bringDown();
  letGo();
}
