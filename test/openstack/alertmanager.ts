import { type ChildProcess, spawn } from "node:child_process";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = "/usr/bin/prometheus-alertmanager";
const START_LIMIT_MS = 30_000;

/** One receiver that tells nobody, which is all that alerts and silences need. */
const CONFIG = `route:
  receiver: nobody
receivers:
  - name: nobody
`;

export type Alertmanager = {
  /** Without a path: the API is at `<url>/api/v2`. */
  url: string;
  /** Stops the process and deletes what it wrote. */
  close(): Promise<void>;
};

class AlertmanagerError extends Error {
  override readonly name = "AlertmanagerError";
}

/** Starts Debian's Alertmanager, empty, on a free port of 127.0.0.1, without clustering. */
export async function startAlertmanager(): Promise<Alertmanager> {
  await access(BINARY).catch(() => {
    throw new AlertmanagerError(
      `${BINARY} is missing: apt-get install --no-install-recommends prometheus-alertmanager`,
    );
  });
  const folder = await mkdtemp(join(tmpdir(), "lull-alertmanager-"));
  const config = join(folder, "alertmanager.yml");
  await writeFile(config, CONFIG);
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    BINARY,
    [
      `--config.file=${config}`,
      `--storage.path=${join(folder, "data")}`,
      `--web.listen-address=${address}`,
      "--cluster.listen-address=",
      "--log.level=warn",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const close = async () => {
    await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(child, `http://${address}`);
  } catch (error) {
    await close();
    throw error;
  }
  return { url: `http://${address}`, close };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new AlertmanagerError("no port");
  return address.port;
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const until = performance.now() + START_LIMIT_MS;
  while (performance.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new AlertmanagerError(`Alertmanager ended at once: ${said}`);
    }
    const ready = await fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new AlertmanagerError(`Alertmanager is not ready after ${START_LIMIT_MS} ms: ${said}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}
