import { createInterface } from "node:readline/promises";

/** Where a command reads and writes. */
export type Terminal = {
  /** One line of what was asked for. */
  readonly out: (line: string) => void;
  /** One line about it: progress, warnings, errors. */
  readonly err: (line: string) => void;
  /** Raw text to standard output, for what is drawn. */
  readonly draw: (text: string) => void;
  /** Whether standard output is a screen that can be drawn on. */
  readonly isScreen: boolean;
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** The answer to a question, or undefined when there is nobody to ask. */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly readInput: () => Promise<string>;
  /** Calls back at Ctrl-C, instead of ending the process; the answer undoes that. */
  readonly onInterrupt: (act: () => void) => () => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
};

const ask = async (question: string): Promise<string | undefined> => {
  if (!process.stdin.isTTY) return undefined;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await prompt.question(question);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "AbortError") throw error;
    // Ctrl-C, or Ctrl-D, is an answer too.
    process.stderr.write("\n");
    return "";
  } finally {
    prompt.close();
  }
};

const readInput = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
};

/** This process's own. A reader that goes away (`| head`) ends the command quietly. */
export const processTerminal = (): Terminal => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  return {
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    draw: (text) => process.stdout.write(text),
    isScreen: process.stdout.isTTY === true && process.env["TERM"] !== "dumb",
    size: () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }),
    ask,
    readInput,
    onInterrupt: (act) => {
      process.on("SIGINT", act);
      return () => process.off("SIGINT", act);
    },
    now: () => Date.now(),
    env: process.env,
  };
};
