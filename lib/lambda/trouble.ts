import * as z from "zod";

const errorSchema = z.object({
  error: z.object({ Error: z.string(), Cause: z.string().optional() }),
});
const causeSchema = z.object({ errorMessage: z.string() });

/** Longer messages are cut: they are for people, the log has the rest. */
const LONGEST = 1000;

/** The message inside what Lambda gives Step Functions as a cause, which is JSON, mostly. */
const messageOf = (cause: string): string => {
  try {
    return causeSchema.parse(JSON.parse(cause)).errorMessage;
  } catch {
    return cause;
  }
};

/** What a `Catch` put at `$.error`, in one line: the error's name and its message. */
export const troubleOf = (event: unknown): string => {
  const { error } = errorSchema.parse(event);
  return `${error.Error}: ${messageOf(error.Cause ?? "no cause given")}`.slice(0, LONGEST);
};
