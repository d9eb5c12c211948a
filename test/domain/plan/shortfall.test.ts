import { describe, expect, test } from "vitest";
import { missingIn, shortfallOf, withPieces } from "../../../lib/domain/plan/shortfall.ts";

const short = (host: string, zone: string, VCPU: number, MEMORY_MB = 0) => ({
  host,
  zone,
  lacks: { VCPU, MEMORY_MB },
});

describe("a project is asked for", () => {
  test("all that is missing in the zones that it has instances in, and nothing of other zones", () => {
    const shortfall = shortfallOf([
      short("cmp-01", "az1", 4),
      short("cmp-02", "az2", 2),
      short("cmp-03", "az3", 0, 512),
    ]);

    expect(missingIn(shortfall, new Set(["az1", "az2"]))).toEqual({ VCPU: 6 });
    expect(missingIn(shortfall, new Set(["az2", "az3"]))).toEqual({ VCPU: 2, MEMORY_MB: 512 });
    expect(missingIn(shortfall, new Set(["az9"]))).toBeNull();
  });

  test("nothing where nothing is missing: it is not asked at all", () => {
    const shortfall = shortfallOf([short("cmp-01", "az1", 0)]);

    expect(missingIn(shortfall, new Set(["az1"]))).toBeNull();
  });

  test("memory as well as processors where both are short", () => {
    const shortfall = shortfallOf([short("cmp-01", "az1", 2, 1_024)]);

    expect(missingIn(shortfall, new Set(["az1"]))).toEqual({ VCPU: 2, MEMORY_MB: 1_024 });
  });

  test("what the host of a zone lacks that lacks the least: one is enough to go on", () => {
    const missing = (...lacking: ReturnType<typeof short>[]) =>
      missingIn(shortfallOf(lacking), new Set(["az1"]));

    expect(missing(short("cmp-01", "az1", 3), short("cmp-02", "az1", 1, 1_024))).toEqual({
      VCPU: 1,
      MEMORY_MB: 1_024,
    });
    expect(missing(short("cmp-01", "az1", 1, 2_048), short("cmp-02", "az1", 1, 512))).toEqual({
      VCPU: 1,
      MEMORY_MB: 512,
    });
  });
});

test("a host whose zone is short as a whole lacks no less than that, and more where room lies in pieces", () => {
  const inAll = short("cmp-01", "az1", 2, 1_024);

  expect(withPieces(inAll, null)).toEqual(inAll);
  expect(withPieces(inAll, short("cmp-01", "az1", 5)).lacks).toEqual({
    VCPU: 5,
    MEMORY_MB: 1_024,
  });
});
