import { awaitChange } from "../../lib/steps/await-change.ts";

/** State AwaitChange: the host run sleeps until drive or tick wakes it. */
export const handler = awaitChange();
