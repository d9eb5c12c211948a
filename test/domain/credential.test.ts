import { expect, test } from "vitest";
import { expiring, neededUntil } from "../../lib/domain/credential.ts";
import { aSession } from "./builders.ts";

const at = (hour: number) => `2026-11-22T${String(hour).padStart(2, "0")}:00:00.000Z`;

test("access is needed until the end of the last window, or the start where no end is told", () => {
  const open = aSession({ maintenance_at: at(10) });
  const next = { starts_at: at(20), ends_at: at(22) };

  expect(neededUntil(open)).toBe(at(10));
  expect(neededUntil({ ...open, ends_at: at(14) })).toBe(at(14));
  expect(neededUntil({ ...open, ends_at: at(14), next_windows: [next] })).toBe(at(22));
});

test("access that ends before is named with its end; what never ends is not", () => {
  const expiries = [
    { what: "application credential early", expires_at: "2026-11-22T11:59:59Z" },
    { what: "application credential late", expires_at: "2026-11-22T12:00:01Z" },
    { what: "application credential eternal", expires_at: null },
  ];

  expect(expiring(expiries, at(12))).toEqual([
    {
      path: "",
      code: "credential_expires",
      message: expect.stringContaining("application credential early expires at"),
    },
  ]);
});
