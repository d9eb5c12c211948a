import { describe, expect, test } from "vitest";
import { missingIn, shortfallOf } from "../../../lib/domain/plan/shortfall.ts";

const short = (zone: string, resource: "MEMORY_MB" | "VCPU", missing: number) => ({
  zone,
  resource,
  missing,
});
const misfit = (host: string, zone: string, vcpu: number) => ({
  host,
  zone,
  lacks: { VCPU: vcpu, MEMORY_MB: vcpu * 1_024 },
});

describe("a project is asked for", () => {
  test("all that is missing in the zones that it has instances in, and nothing of other zones", () => {
    const shortfall = shortfallOf(
      [short("az1", "VCPU", 4), short("az2", "VCPU", 2), short("az3", "MEMORY_MB", 512)],
      [],
    );

    expect(missingIn(shortfall, new Set(["az1", "az2"]))).toEqual({ VCPU: 6 });
    expect(missingIn(shortfall, new Set(["az2", "az3"]))).toEqual({ VCPU: 2, MEMORY_MB: 512 });
    expect(missingIn(shortfall, new Set(["az9"]))).toBeNull();
  });

  test("what the host lacks that needs the least, where the zone is not short as a whole", () => {
    const misfits = [misfit("cmp-01", "az1", 3), misfit("cmp-02", "az1", 1)];

    expect(missingIn(shortfallOf([], misfits), new Set(["az1"]))).toEqual({
      VCPU: 1,
      MEMORY_MB: 1_024,
    });
    expect(missingIn(shortfallOf([short("az1", "VCPU", 9)], misfits), new Set(["az1"]))).toEqual({
      VCPU: 9,
    });
  });
});
