import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort, waitFor } from "../../localstack/demo/stage.ts";

export type MiniStack = {
  /** For AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  /** Of the account's root, whom no policy binds; everybody else is held to theirs. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** What it has printed so far: its own lines and those of functions. */
  readonly output: () => string;
  readonly close: () => Promise<void>;
};

const PATIENCE_MS = 60_000;
export const REGION = "us-east-1";

/** Starts an AWS of one's own on loopback, which checks each call against IAM and forgets all at the end. */
export const startMiniStack = async (program: string): Promise<MiniStack> => {
  const folder = mkdtempSync(join(tmpdir(), "lull-ministack-"));
  const log = join(folder, "output");
  const port = await freePort();
  const credentials = { accessKeyId: "deployer", secretAccessKey: "deployer" };
  const child = spawn(program, {
    cwd: folder,
    env: {
      // Lambda functions run on the Node that runs this.
      PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
      HOME: folder,
      TMPDIR: folder,
      STATE_DIR: join(folder, "state"),
      S3_DATA_DIR: join(folder, "s3"),
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      IOT_MTLS_ENABLED: "0",
      AUTH: "true",
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_REGION: REGION,
    },
    // A group of its own, so that its workers end with it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const sink = createWriteStream(log);
  child.stdout.pipe(sink, { end: false });
  child.stderr.pipe(sink, { end: false });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const endpoint = `http://127.0.0.1:${port}`;
  const output = () => readFileSync(log, "utf8");
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", kill);
  const close = async () => {
    kill();
    await exited;
    process.off("exit", kill);
    sink.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await waitFor(
      () => `MiniStack to answer:\n${output()}`,
      () =>
        fetch(`${endpoint}/_ministack/health`).then(
          ({ ok }) => ok || undefined,
          () => undefined,
        ),
      PATIENCE_MS,
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoint, credentials, output, close };
};
