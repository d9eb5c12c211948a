import { resultCode, SQLITE } from "../aws/sqlite.ts";

/** A data folder or a backup is not as it has to be; the message is for people. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
}

const isFull = (error: Error): boolean =>
  resultCode(error) === SQLITE.full || ("code" in error && error.code === "ENOSPC");

/** What kept a file from being written, as an error that names the file; any other error as it is. */
export const notWritten = (file: string, error: unknown): unknown => {
  if (!(error instanceof Error && "code" in error)) return error;
  const why = isFull(error)
    ? `there is no room left for ${file}`
    : `${file} could not be written: ${error.message}`;
  return new DataFolderError(why, { cause: error });
};

/** Whether SQLite says that the file is no database, or is one no longer. */
export const isDamage = (error: unknown): boolean => {
  const code = resultCode(error);
  return code === SQLITE.corrupt || code === SQLITE.notADatabase;
};
