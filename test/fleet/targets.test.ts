import { expect, test } from "vitest";
import { needOf } from "../../lib/fleet/targets.ts";

const flavor = {
  name: "nfv",
  vcpus: 4,
  ram: 8_192,
  disk: 20,
  ephemeral: 10,
  swap: 0,
  extra_specs: {},
};
type Placed = Parameters<typeof needOf>[0];
const placed = (but: object = {}) =>
  ({ flavor, image_id: "image-1", volume_ids: [], ...but }) as Placed;
const withPolicy = (policy: string) =>
  placed({ flavor: { ...flavor, extra_specs: { "hw:cpu_policy": policy } } });

test("a host is asked for the processors, the memory and the disks of an instance", () => {
  expect(needOf(placed())).toEqual({ VCPU: 4, MEMORY_MB: 8_192, DISK_GB: 30 });
  expect(needOf(withPolicy("shared"))).toMatchObject({ VCPU: 4 });
});

test("pinned processors are not asked for as VCPU: their hosts may have none", () => {
  expect(needOf(withPolicy("dedicated"))).toMatchObject({ VCPU: 0 });
  expect(needOf(withPolicy("mixed"))).toMatchObject({ VCPU: 0 });
});

test("a root disk that is a volume is not asked for", () => {
  expect(needOf(placed({ image_id: null, volume_ids: ["volume-1"] }))).toMatchObject({
    DISK_GB: 10,
  });
});
