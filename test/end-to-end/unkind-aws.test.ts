import { expect, test } from "vitest";
import { listHosts } from "../../lib/client/hosts.ts";
import { collect } from "../../lib/client/request.ts";
import { misbehaviour } from "../../localstack/aws/misbehaviour.ts";
import { waitFor } from "../../localstack/demo/stage.ts";
import { quickCloud } from "./quick-cloud.ts";
import { theStage } from "./stage.ts";

const onStage = theStage({
  cloud: quickCloud({ hosts: 6, instances: 12 }),
  misbehaviour: misbehaviour({
    seed: 7,
    indexLagMs: 3_000,
    conflict: 0.05,
    throttle: 0.03,
    duplicate: 0.2,
    delayMs: 2_000,
  }),
});

test(
  "lagging indexes, conflicts, throttling, duplicates and delays change nothing but the time",
  onStage(async ({ open, ended, api }) => {
    // The index of a region's hosts lags behind the sync that has just ended.
    await waitFor(
      "the inventory to be listed",
      async () => ((await collect(listHosts(api))).length === 6 ? true : undefined),
      60_000,
    );
    const hosts = ["cmp-01", "cmp-02", "cmp-03"];
    const { detail } = await ended(
      await open({
        hosts,
        max_parallel_hosts: 2,
        actions: [{ plugin: "hold", metadata: { seconds: 5 } }],
      }),
    );
    expect(detail.session.state).toBe("MAINTENANCE_DONE");
    expect(detail.hosts.map(({ outcome }) => outcome)).toEqual(hosts.map(() => "maintained"));
  }),
);
