import { expect, test } from "vitest";
import { openAsking, questionOf } from "../../../lib/domain/dialogue/asking.ts";
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
