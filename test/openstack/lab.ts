import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Everything the lab writes; the same default as in `lab/settings.sh`. */
const labFolder = process.env["LAB"] ?? "/tmp/lull-lab";

/** What the lab's `clouds.yaml` offers: an administrator, the role that Lull needs, a member of each of two projects. */
export const labClouds = {
  file: join(labFolder, "clouds.yaml"),
  admin: "lab-admin",
  operator: "lab-operator",
  /** Who asks in the contract suite; `LULL_CONTRACT_AS=lab-operator` shows what needs an administrator. */
  contract: process.env["LULL_CONTRACT_AS"] ?? "lab-admin",
  alice: "lab-alice",
  bob: "lab-bob",
} as const;

/** One operation's misbehaviour; `hang` is known to `live_migration` only. */
type Fault = { seconds?: number; outcome?: "ok" | "fail" | "hang" };

type FaultyOperation =
  | "spawn"
  | "precheck"
  | "pre_migration"
  | "live_migration"
  | "finish_migration";

/** Keyed by server id, host name or `*`, in this order of precedence. */
export type Faults = Record<string, Partial<Record<FaultyOperation, Fault>>>;

/** The message bus of the lab, as its services reach it. */
export const busUrl = async (): Promise<string> => {
  const settings = await readFile(join(labFolder, "settings"), "utf8");
  const port = /MQ_PORT:=(\d+)/.exec(settings)?.[1];
  const password = /PASSWORD:=([^}]*)/.exec(settings)?.[1];
  return `amqp://lab:${password}@127.0.0.1:${port}/`;
};

class LabError extends Error {
  override readonly name = "LabError";
}

/**
 * Starts whatever of the lab does not run. Minutes and seconds of each stage are printed.
 *
 * @param settings the lab's README names them; those of a service take effect when it starts
 */
export async function bringUp(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  await run("up.sh", [], settings);
}

/** Starts Nova's API anew with other settings. */
export async function restartNovaApi(settings: Readonly<Record<string, string>>): Promise<void> {
  await run("host.sh", ["stop", "nova-api"]);
  await bringUp(settings);
}

/** Stops the lab; `wipe` deletes its data too. */
export async function bringDown(options: { wipe?: boolean } = {}): Promise<void> {
  await run("down.sh", options.wipe ? ["wipe"] : []);
}

/** True when the lab's Keystone answers: it is the first service to start and the last to stop. */
export async function isUp(): Promise<boolean> {
  try {
    const url = /auth_url: (\S+)/.exec(await readFile(labClouds.file, "utf8"))?.[1];
    return url !== undefined && (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** What hosts do from now on, instead of what they were told before; `{}` ends all trouble. */
export async function setFaults(faults: Faults): Promise<void> {
  await run("host.sh", ["fault", JSON.stringify(faults)]);
}

/**
 * Acts on hosts: `kill` is power loss, `stop` an orderly end, `freeze` a process that says nothing
 * until `thaw`. Nova notices after the lab's `SERVICE_DOWN_TIME`.
 */
export async function actOnHosts(
  action: "kill" | "stop" | "freeze" | "thaw" | "start",
  ...hosts: [string, ...string[]]
): Promise<void> {
  await run("host.sh", [action, ...hosts]);
}

/**
 * Starts hosts that the lab does not have, of a size of their own, until `removeHosts`.
 *
 * @param settings those of the lab's README that are of a host
 * @param options more of nova.conf's section DEFAULT
 */
export async function startHosts(
  hosts: readonly string[],
  settings: Readonly<Record<string, string>>,
  options: Readonly<Record<string, string | number>>,
): Promise<void> {
  const pairs = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  await run("host.sh", ["start", ...hosts], { ...settings, HOST_OPTIONS: pairs.join(" ") });
}

/** Takes hosts out of the lab and out of Nova; nothing may be left on them. */
export async function removeHosts(hosts: readonly string[]): Promise<void> {
  await run("host.sh", ["remove", ...hosts]);
}

/**
 * Undoes what tests do: no faults, every host running, every service enabled, every server ACTIVE,
 * resizes confirmed. Servers stay where they are.
 */
export async function healLab(): Promise<void> {
  await run("host.sh", ["heal"]);
}

/**
 * Holds the lab for one test run; a second run waits here. The lock belongs to a child that ends
 * with its standard input, so it is free again however this process ends.
 * @returns a function that lets go.
 */
export async function holdLab(): Promise<() => void> {
  const child = spawn("flock", [`${labFolder}.tests`, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const patience = setTimeout(() => console.log("waiting for another test run on the lab"), 2_000);
  await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new LabError(`flock ${labFolder}.tests ended: ${code}`)));
    child.stdout.once("data", resolve);
  }).finally(() => clearTimeout(patience));
  return () => child.stdin.end();
}

async function run(
  script: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(join(import.meta.dirname, "lab", script), args, {
    env: { ...process.env, ...settings, LAB: labFolder },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (code !== 0) {
    throw new LabError(
      `${script} ${args.join(" ")} failed: see the output above, and ${labFolder}/log`,
    );
  }
}
