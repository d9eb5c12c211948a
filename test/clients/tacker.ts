import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as z from "zod";
import type { CloudConfig } from "../../lib/openstack/cloud.ts";
import type { Clock } from "../../localstack/clock.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import type { Permission } from "../../localstack/openstack/invariants/story.ts";
import { openProject } from "../managers/project.ts";

const sentSchema = z.object({
  method: z.string(),
  url: z.url(),
  body: z.record(z.string(), z.unknown()).nullable(),
  status: z.int(),
  answer: z.unknown(),
});
const toldSchema = z.looseObject({
  state: z.string(),
  instance_ids: z.union([z.string(), z.array(z.string())]),
});
const lineSchema = z.union([
  z.object({ port: z.int() }),
  z.object({ told: toldSchema }),
  z.object({ sent: sentSchema }),
  z.object({ did: z.string() }),
  z.object({ failed: z.string() }),
]);
type Line = z.infer<typeof lineSchema> & { readonly at: number };

type VnfOptions = {
  /** As the member of the project whose servers are the VNF. */
  readonly config: CloudConfig;
  readonly clock: Clock;
  /** YAML, as an operator gives it to Tacker. */
  readonly configuration: string;
  /** How many instances its scaling policy adds or removes at a time; 0: it has none. */
  readonly scalesBy: number;
};

/** Long enough for Python to load all of Tacker on a busy machine, and for its five tries of anything. */
const PATIENCE_MS = 60_000;

/**
 * Tacker with one VNF, listening by an event alarm as its Heat templates make it.
 *
 * @param programs folder of a virtual environment's programs that has Tacker
 */
export const startTacker = async (
  programs: string,
  { config, clock, configuration, scalesBy }: VnfOptions,
) => {
  const { auth_url, username, password, project_name } = config;
  const settings = {
    vim: {
      auth_url: `${auth_url}/v3`,
      username,
      password,
      project_name,
      user_domain_name: "Default",
      project_domain_name: "Default",
      cert_verify: "False",
    },
    // Tacker's own project is none of the cloud's.
    vnf: {
      id: "6261579e-d6f3-49ad-8bc3-a9cb974778ff",
      tenant_id: "7d3f3d0e6a0c4ab0b3c6f7c1d1b5d2aa",
      stack: "f34d6a7a-0f51-4d2e-8a4c-3c3c9e0c8d3b",
      config: configuration,
    },
    scales_by: scalesBy,
  };
  const python = join(programs, "python");
  const args = [
    "-W",
    "ignore",
    join(import.meta.dirname, "serve_tacker.py"),
    JSON.stringify(settings),
  ];
  const process_ = spawn(python, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(process_, "close").then(([code]) => code);
  const lines: Line[] = [];
  createInterface(process_.stdout).on("line", (line) =>
    lines.push({ ...lineSchema.parse(JSON.parse(line)), at: clock.now() }),
  );

  const find = () => {
    if (process_.exitCode !== null) throw new Error("Tacker has ended before it listened");
    return lines.find((line) => "port" in line);
  };
  const { port } = await waitFor("Tacker to listen", find, PATIENCE_MS);
  const { id, tenant_id } = settings.vnf;
  const url = `http://127.0.0.1:${port}/v1.0/vnfs/${id}/maintenance/${tenant_id}/ab12cd34`;
  await openProject(config, clock).subscribe(url);

  const sent = () =>
    lines.flatMap((line) => ("sent" in line ? [{ ...line.sent, at: line.at }] : []));
  return {
    told: () => lines.flatMap((line) => ("told" in line ? [line.told] : [])),
    sent,
    did: () => lines.flatMap((line) => ("did" in line ? [line.did] : [])),
    failed: () => lines.flatMap((line) => ("failed" in line ? [line.failed] : [])),
    /** What it allowed: what the judge of a session goes by. */
    permissions: (): Permission[] => sent().flatMap(permissionIn),
    /** It takes back its constraints and ends. @returns its exit code */
    close: async () => {
      process_.stdin.end();
      return ended;
    },
    /** It ends as it is. */
    kill: () => process_.kill(),
  };
};

const permissionIn = ({ at, url, body }: z.infer<typeof sentSchema> & { at: number }) => {
  const action = body?.["instance_action"];
  const instance_id = new URL(url).pathname.split("/").at(-1) ?? "";
  return typeof action === "string" ? [{ at, instance_id, action }] : [];
};
