import fc from "fast-check";
import { expect, test } from "vitest";
import { newDevice, refreshed, type SeenHost } from "../../lib/domain/device.ts";
import { aDevice, NOW } from "./builders.ts";

const LATER = "2026-11-22T10:15:00.000Z";
const { name, cell, zone, service, hypervisor } = aDevice("cmp-01");
const seen: SeenHost = { name, cell, zone, service, hypervisor };

test("a host seen for the first time is version 1 and not gone", () => {
  const place = { cloud: "lab", region: "RegionOne" };

  expect(newDevice("device-1", place, seen, NOW)).toMatchObject({
    id: "device-1",
    name: "cmp-01",
    version: 1,
    gone: false,
    synced_at: NOW,
    region: "RegionOne",
  });
});

test("a host of which nothing but time has passed is not written again", () => {
  expect(refreshed(aDevice("cmp-01"), seen, LATER)).toBeNull();
});

test("a host that changed gets a new version and keeps its id", () => {
  const down = { ...seen, service: { ...service, state: "down" as const } };

  expect(refreshed(aDevice("cmp-01", { version: 4 }), down, LATER)).toMatchObject({
    id: "device-cmp-01",
    version: 5,
    synced_at: LATER,
    service: { state: "down" },
  });
});

test("a host that Nova no longer lists is marked once and keeps what was known of it", () => {
  const gone = refreshed(aDevice("cmp-01"), null, LATER);

  expect(gone).toMatchObject({ gone: true, zone: "nova", version: 2 });
  expect(gone && refreshed(gone, null, LATER)).toBeNull();
});

test("a host that came back is no longer gone", () => {
  expect(refreshed(aDevice("cmp-01", { gone: true }), seen, LATER)).toMatchObject({
    gone: false,
    version: 2,
  });
});

test("whatever is seen, a second look at the same changes nothing, and versions only grow", () => {
  const sights = fc.option(
    fc.record({
      zone: fc.constantFrom("nova", "edge"),
      status: fc.constantFrom("enabled" as const, "disabled" as const),
      state: fc.constantFrom("up" as const, "down" as const),
    }),
  );

  fc.assert(
    fc.property(fc.array(sights), (history) => {
      let device = aDevice("cmp-01");
      for (const sight of history) {
        const { zone: where, ...what } = sight ?? { zone };
        const look = sight && { ...seen, zone: where, service: { ...service, ...what } };
        const next = refreshed(device, look, LATER) ?? device;

        expect(refreshed(next, look, LATER)).toBeNull();
        expect(next.version - device.version).toBe(next === device ? 0 : 1);
        device = next;
      }
    }),
  );
});
