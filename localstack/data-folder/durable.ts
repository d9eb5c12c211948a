import { closeSync, fsyncSync, openSync } from "node:fs";

/** Has a file, or the names in a folder, survive the loss of power. */
export const makeDurable = (path: string): void => {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};
