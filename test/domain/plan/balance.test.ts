import { expect, test } from "vitest";
import { balanceOf } from "../../../lib/domain/plan/balance.ts";
import { aCluster, aPlan, moved } from "../../planner/builders.ts";

test("the balance of a plan tells how unevenly hosts are loaded before it and after", () => {
  const cluster = aCluster({ hosts: [{}, {}], instances: [{ host: 0 }, { host: 1 }] });

  expect(balanceOf(cluster, aPlan(moved(0, 0, 0, 1)))).toEqual({ before: 0, after: 0.4 });
});
