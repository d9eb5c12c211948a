import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Whoever has timers and connections of its own: a process, or an invocation inside one. What has
 * died does nothing more, whatever was under way.
 */
export type Party = {
  readonly name: string;
  readonly within?: Party | undefined;
  alive: boolean;
};

/** For whom the code that runs at the moment works. */
export const parties = new AsyncLocalStorage<Party>();

export const isAlive = (party: Party | undefined): boolean =>
  party === undefined || (party.alive && isAlive(party.within));
