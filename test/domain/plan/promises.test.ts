import { describe, expect, test } from "vitest";
import { fitsBeside, openPromises } from "../../../lib/domain/plan/promises.ts";

const need = { VCPU: 2, MEMORY_MB: 1024 };
const host = {
  VCPU: { capacity: 8, used: 4 },
  MEMORY_MB: { capacity: 8192, used: 1024 },
};

describe("the room that moves will take which have just begun", () => {
  test("is added up for each host", () => {
    const promises = openPromises();
    expect(promises.any()).toBe(false);
    promises.promise("cmp-01", need);
    promises.promise("cmp-01", need);

    expect(promises.any()).toBe(true);
    expect(promises.to("cmp-01")).toEqual({ VCPU: 4, MEMORY_MB: 2048 });
    expect(promises.to("cmp-02")).toEqual({});
  });

  test("leaves a host to the next one while there is enough for both", () => {
    expect(fitsBeside({}, need, host)).toBe(true);
    expect(fitsBeside(need, need, host)).toBe(true);
    expect(fitsBeside({ VCPU: 3 }, need, host)).toBe(false);
  });

  test("counts in each class of resources that the host tells of", () => {
    expect(fitsBeside({ MEMORY_MB: 6145 }, need, host)).toBe(false);
    expect(fitsBeside({ DISK_GB: 1_000 }, need, host)).toBe(true);
  });
});
