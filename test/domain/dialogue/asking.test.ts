import { expect, test } from "vitest";
import { openAsking, questionOf, secondsToListen } from "../../../lib/domain/dialogue/asking.ts";
import { later } from "../../../lib/domain/instant.ts";
import { LONGEST_WAIT_SECONDS } from "../../../lib/domain/run.ts";
import { reopened } from "../../../lib/domain/start-again.ts";
import { aClaimedSession, aHost, NOW } from "../builders.ts";

test("a session that went on while its projects were told that it is over waits for no word on that", () => {
  const session = aClaimedSession({ announced_at: NOW });
  const question = questionOf(session, NOW);
  const goneOn = reopened(session, [aHost("cmp-01", { phase: "DISABLING" })], NOW);

  expect(openAsking(session, question, ["p"], NOW)).toMatchObject({
    asking: { state: "MAINTENANCE_COMPLETE", project_ids: ["p"] },
  });
  expect(openAsking(goneOn, question, ["p"], NOW)).toEqual({});
  expect(openAsking(goneOn, question, [], NOW)).toEqual({});
});

test("whoever answers while the ask is being closed is heard in a second, not never", () => {
  expect(secondsToListen(NOW, NOW)).toBe(1);
  expect(secondsToListen(later(NOW, 90), NOW)).toBe(90);
  expect(secondsToListen(later(NOW, 10 ** 7), NOW)).toBe(LONGEST_WAIT_SECONDS);
});
