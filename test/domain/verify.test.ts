import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Worth } from "../../lib/domain/host-run.ts";
import { countBeat, hasBeatenEnough, losses } from "../../lib/domain/verify.ts";

const none = { updated_at: null, count: 0 };

const beatsSeen = (times: readonly (string | null)[]) => times.reduce(countBeat, none);

const worth = (but: Partial<Worth> = {}): Worth => ({
  provider_id: "provider-1",
  hypervisor_version: 8_002_000,
  inventories: { VCPU: 32, MEMORY_MB: 65_536 },
  traits: ["HW_CPU_X86_AVX2", "COMPUTE_NODE"],
  agents: ["Open vSwitch agent"],
  ...but,
});

describe("a host's heartbeat", () => {
  test("counts from the second one on: the first may be older than the work", () => {
    expect(beatsSeen(["10:00:00"]).count).toBe(0);
    expect(beatsSeen(["10:00:00", "10:00:10"]).count).toBe(1);
  });

  test("that does not advance proves nothing, nor does one that goes back", () => {
    expect(beatsSeen(["10:00:10", "10:00:10", "10:00:00", null]).count).toBe(0);
  });

  test("proves that the host is up when it has advanced three times", () => {
    const times = ["10:00:00", "10:00:10", "10:00:20", "10:00:30"];

    expect(hasBeatenEnough(beatsSeen(times.slice(0, 3)))).toBe(false);
    expect(hasBeatenEnough(beatsSeen(times))).toBe(true);
  });

  test("is counted once per advance, however often one looks", () => {
    const seen = fc.array(fc.option(fc.integer({ min: 10, max: 30 }).map((n) => `10:00:${n}`)));

    fc.assert(
      fc.property(seen, fc.nat(3), (times, again) => {
        const twice = times.flatMap((time) => Array<typeof time>(again + 1).fill(time));

        expect(beatsSeen(twice)).toEqual(beatsSeen(times));
      }),
    );
  });
});

describe("a host that came back", () => {
  test("whole has lost nothing", () => {
    expect(losses(worth(), worth())).toEqual([]);
  });

  test("larger, newer and with more traits has lost nothing", () => {
    const more = worth({
      hypervisor_version: 9_000_000,
      inventories: { VCPU: 64, MEMORY_MB: 131_072, VGPU: 4 },
      traits: ["COMPUTE_NODE", "HW_CPU_X86_AVX2", "HW_CPU_X86_AVX512F"],
      agents: ["DHCP agent", "Open vSwitch agent"],
    });

    expect(losses(worth(), more)).toEqual([]);
  });

  test.each<[string, Partial<Worth>, string]>([
    ["less memory", { inventories: { VCPU: 32, MEMORY_MB: 49_152 } }, "MEMORY_MB 65536 -> 49152"],
    ["no memory inventory", { inventories: { VCPU: 32 } }, "MEMORY_MB 65536 -> 0"],
    ["an older hypervisor", { hypervisor_version: 8_001_000 }, "version 8002000 -> 8001000"],
    ["a trait less", { traits: ["COMPUTE_NODE"] }, "traits missing: HW_CPU_X86_AVX2"],
    ["a dead agent", { agents: [] }, "agents missing: Open vSwitch agent"],
  ])("with %s says so", (_, but, loss) => {
    expect(losses(worth(), worth(but))).toEqual([expect.stringContaining(loss)]);
  });

  test("smaller in several ways names each", () => {
    const smaller = worth({ inventories: {}, hypervisor_version: 1, traits: [], agents: [] });

    expect(losses(worth(), smaller)).toHaveLength(5);
  });
});
