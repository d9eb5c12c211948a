import type { Clock } from "../../clock.ts";
import type { Misbehaviour } from "../misbehaviour.ts";
import type { Catalog } from "./catalog.ts";
import type { Storage } from "./storage.ts";

/** What every operation works with. */
export type Engine = {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly misbehaviour: Misbehaviour;
  readonly catalog: Catalog;
  /** Runs a write as one SQLite transaction; then tells the listeners of the streams it wrote to. */
  readonly write: <T>(act: () => T) => T;
  /** Notes, inside `write`, that a table's stream has a new record. */
  readonly streamed: (tableName: string) => void;
};
