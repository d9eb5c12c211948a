import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uniform } from "./clusters.ts";
import { figuresOf, hroller, htoolsText } from "./hroller.ts";

const OPTIONS = { slots: 1, work: 100, fix: 6, mbps: 10, maxParallel: null, sameAz: false };
const host = { az: "z", mem: 4096, cpu: 4, used: 40, vcpu: 1 };
const vm = { mem: 40, vcpu: 1, aa: "g1", sec: null };
const CLUSTER = {
  hosts: ["a", "b", "c"].map((name) => ({ name, ...host })),
  vms: ["v0", "v1", "v2"].map((name, n) => ({ name, ...vm, host: n })),
};
const WAVES = [
  {
    hosts: [0, 1],
    moves: [
      { vm: 0, to: 2 },
      { vm: 1, to: 2 },
    ],
  },
  { hosts: [2], moves: [{ vm: 2, to: 0 }] },
];

describe("what hroller reads and prints", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "program-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const program = (script: string) => {
    const file = join(folder, "program");
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o700);
    return file;
  };

  test("a cluster is five sections of lines, parted by empty ones", () => {
    const lines = htoolsText({ ...CLUSTER, hosts: CLUSTER.hosts.slice(0, 2) }).split("\n");
    expect(lines.slice(0, 5)).toEqual([
      "group|uuid|preferred||",
      "",
      "a|4096|0|4056|1048576|1048576|4|M|uuid|1||N|1|0|1.0",
      "b|4096|0|4056|1048576|1048576|4|N|uuid|1||N|1|0|1.0",
      "",
    ]);
    expect(lines[5]).toBe("v0|40|1024|1|running|Y|a||rbd|apart:g1|1");
    expect(lines.slice(8, 11)).toEqual(["", "htools:iextags:apart", ""]);
  });

  test("waves are lines of hosts, each with the moves of its instances", () => {
    const printed = program(String.raw`printf 'a,b\n\tv0 c\n\tv1 c\nc\n\tv2 a\n'`);
    expect(hroller(CLUSTER, printed)).toEqual({ outcome: "planned", waves: WAVES });
  });

  test("its own words say why it gave up", () => {
    const gaveUp = program("echo 'Error: Not enough capacity' >&2; exit 1");
    expect(hroller(CLUSTER, gaveUp)).toEqual({
      outcome: "aborted",
      message: "Error: Not enough capacity",
    });
  });

  test("it need not be installed", () => {
    expect(hroller(CLUSTER, join(folder, "missing"))).toEqual({ outcome: "not installed" });
  });
});

describe("what waves come to", () => {
  const figures = figuresOf(WAVES, CLUSTER, OPTIONS);

  test("a wave lasts until its last instance is back", () => {
    // One slot: to the third host at 10 and 20, work until 110 and 120, back at 120 and 130; then
    // 10 + 100 + 10.
    expect(figures.makespan_seconds).toBe(130 + 120);
  });

  test("more slots let moves share a host", () => {
    expect(figuresOf(WAVES, CLUSTER, { ...OPTIONS, slots: 2 }).makespan_seconds).toBe(120 + 120);
  });

  test("a host that has no instances works all the same", () => {
    expect(figuresOf([{ hosts: [0], moves: [] }], CLUSTER, OPTIONS).makespan_seconds).toBe(100);
  });

  test("each instance moves away and back", () => {
    expect(figures).toMatchObject({ waves: 2, migrations_per_vm: 2 });
  });

  test("members that share a host meanwhile are counted", () => {
    expect(figures.violations).toBe(2 + 1);
  });
});

describe.skipIf(hroller(CLUSTER).outcome === "not installed")("the real hroller", () => {
  test.each([
    [0.5, 3, 2.17],
    [0.7, 4, 3.16],
    [0.85, 8, 6.24],
  ])("at %d needs %d waves and about %d hours for 100 hosts", (load, waves, hours) => {
    const cluster = uniform(100, load, { seed: 1 });
    const plan = hroller(cluster);
    if (plan.outcome !== "planned") throw new Error(plan.outcome);
    const options = { ...OPTIONS, slots: 2, work: 1800, fix: 8, mbps: 1000 };
    const figures = figuresOf(plan.waves, cluster, options);
    expect(figures).toMatchObject({ waves, migrations_per_vm: 2 });
    expect(Math.abs(figures.makespan_seconds / 3600 / hours - 1)).toBeLessThan(0.1);
  });
});
