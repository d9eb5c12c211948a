import { awaitChange } from "../../lib/steps/await-change.ts";

/** State AwaitChange: the session sleeps until drive or tick wakes it. */
export const handler = awaitChange();
