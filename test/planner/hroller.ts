import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BenchCluster, BenchOptions } from "./clusters.ts";
import { simulateWave, type WaveMove } from "./wave.ts";

/** Hosts that are maintained together, and where their instances are meanwhile; by index. */
type Wave = {
  readonly hosts: readonly number[];
  readonly moves: readonly { readonly vm: number; readonly to: number }[];
};

export type HrollerPlan =
  | { readonly outcome: "planned"; readonly waves: readonly Wave[] }
  /** In hroller's own words. */
  | { readonly outcome: "aborted"; readonly message: string }
  | { readonly outcome: "not installed" };

/**
 * Has Ganeti's hroller plan the maintenance of all hosts. It plans waves; it takes every instance
 * to return to its host before the next wave begins, and prints only the moves away.
 *
 * @param program another program in its place
 */
export const hroller = (cluster: BenchCluster, program = "hroller"): HrollerPlan => {
  const folder = mkdtempSync(join(tmpdir(), "hroller-"));
  try {
    const file = join(folder, "cluster.data");
    writeFileSync(file, htoolsText(cluster));
    const run = spawnSync(program, ["-t", file, "--no-headers", "--print-moves"], {
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
    });
    if (run.error !== undefined) {
      if ("code" in run.error && run.error.code === "ENOENT") return { outcome: "not installed" };
      throw run.error;
    }
    return run.status === 0
      ? { outcome: "planned", waves: wavesOf(run.stdout, cluster) }
      : { outcome: "aborted", message: run.stderr.trim() };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/**
 * A cluster as the tools of Ganeti read it: sections with a line per group, node, instance and tag,
 * then the policies. Disks are shared; a node is as large as its host, and four virtual processors
 * are allowed on each of its cores.
 */
export const htoolsText = ({ hosts, vms }: BenchCluster): string => {
  const nodes = hosts.map(
    // It wants a master among the nodes, which it puts into the last wave.
    ({ name, mem, cpu, used }, n) =>
      `${name}|${mem}|0|${mem - used}|1048576|1048576|${cpu}|${n === 0 ? "M" : "N"}|uuid|1||N|1|0|1.0`,
  );
  const instances = vms.map(({ name, mem, vcpu, host, aa }) => {
    const tag = aa === null ? "" : `${EXCLUSIVE}:${aa}`;
    return `${name}|${mem}|1024|${vcpu}|running|Y|${hosts[host]?.name}||rbd|${tag}|1`;
  });
  const largest = "1048576,1024,1048576,16,8,12";
  const limits = `1024,1,1024,1,1,1|1,1,1,1,1,1;${largest}|rbd|4.0|32.0`;
  return [
    ["group|uuid|preferred||"],
    nodes,
    instances,
    [`htools:iextags:${EXCLUSIVE}`],
    [`|${limits}`, `group|${limits}`],
  ]
    .map((section) => section.map((line) => `${line}\n`).join(""))
    .join("\n");
};

/** Instances with the same tag of this name are not to share a node. */
const EXCLUSIVE = "apart";

/** Reads lines of nodes, each followed by indented lines of an instance and where it goes. */
const wavesOf = (output: string, { hosts, vms }: BenchCluster): Wave[] => {
  const hostOf = indexer(hosts);
  const vmOf = indexer(vms);
  const waves: { hosts: number[]; moves: { vm: number; to: number }[] }[] = [];
  for (const line of output.split("\n").filter((one) => one.trim() !== "")) {
    if (!/^\s/.test(line)) {
      waves.push({ hosts: line.split(",").map(hostOf), moves: [] });
      continue;
    }
    const [vm = "", to = ""] = line.trim().split(/\s+/);
    waves.at(-1)?.moves.push({ vm: vmOf(vm), to: hostOf(to) });
  }
  return waves;
};

const indexer = (rows: readonly { readonly name: string }[]) => {
  const byName = new Map(rows.map(({ name }, index) => [name, index]));
  return (name: string): number => {
    const index = byName.get(name.trim());
    if (index === undefined) throw new RangeError(`hroller names ${name}`);
    return index;
  };
};

export type Figures = {
  readonly waves: number;
  readonly makespan_seconds: number;
  readonly migrations_per_vm: number;
  /** Instances that share a host with another member of their group while they are away. */
  readonly violations: number;
  /** Hosts that have less memory, or fewer processors than four per core, than their instances need. */
  readonly overloads: number;
};

/**
 * What carrying out hroller's waves comes to: within a wave each host goes to work as soon as it is
 * empty and takes its instances back as soon as it is done; the next wave begins when all are back.
 */
export const figuresOf = (
  waves: readonly Wave[],
  cluster: BenchCluster,
  { slots, work, fix, mbps }: BenchOptions,
): Figures => {
  const moves = waves.map((wave) =>
    wave.moves.map(({ vm, to }): WaveMove => {
      const { host, mem } = cluster.vms[vm] ?? { host: to, mem: 0 };
      return { home: host, away: to, seconds: fix + mem / mbps };
    }),
  );
  const seconds = waves.map(({ hosts }, n) => simulateWave(hosts, moves[n] ?? [], { slots, work }));
  return {
    waves: waves.length,
    makespan_seconds: seconds.reduce((sum, one) => sum + one, 0),
    migrations_per_vm: (2 * moves.flat().length) / cluster.vms.length,
    violations: waves.reduce((sum, wave) => sum + violationsIn(wave, cluster), 0),
    overloads: waves.reduce((sum, wave) => sum + overloadsIn(wave, cluster), 0),
  };
};

const overloadsIn = ({ moves }: Wave, { hosts, vms }: BenchCluster): number => {
  const places = vms.map(({ host }) => host);
  for (const { vm, to } of moves) places[vm] = to;
  const on = Map.groupBy(vms.keys(), (vm) => places[vm]);
  return hosts.filter(({ mem, cpu }, host) => {
    const needs = (on.get(host) ?? []).map((vm) => vms[vm] ?? { mem: 0, vcpu: 0 });
    return (
      needs.reduce((sum, one) => sum + one.mem, 0) > mem ||
      needs.reduce((sum, one) => sum + one.vcpu, 0) > 4 * cpu
    );
  }).length;
};

const violationsIn = ({ moves }: Wave, { vms }: BenchCluster): number => {
  const places = vms.map(({ host }) => host);
  for (const { vm, to } of moves) places[vm] = to;
  const taken = vms.flatMap(({ aa }, vm) => (aa === null ? [] : [`${aa} ${places[vm]}`]));
  return taken.length - new Set(taken).size;
};
