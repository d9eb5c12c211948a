import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  begun,
  type Delivery,
  givenUp,
  hurried,
  isOpen,
  newDelivery,
  type Result,
  reachedBy,
  replayed,
  settled,
  turnOf,
} from "../../lib/domain/delivery.ts";
import { later, secondsUntil } from "../../lib/domain/instant.ts";
import { type Reached, reachIn } from "../../lib/domain/reach.ts";
import type { Receiver } from "../../lib/domain/receiver.ts";
import { aProjectEvent, aReceiver } from "../delivery/builders.ts";
import { NOW } from "../store/dynamodb.ts";

const delivery = (kind: Receiver["kind"], but: Parameters<typeof aProjectEvent>[1] = {}) =>
  newDelivery(aProjectEvent(0, but), aReceiver(kind, "https://r/"), "msg_1");

const answered = (status: number): Result => ({ kind: "answered", status });
const silent = (sent: boolean, late = false): Result => ({ kind: "silent", sent, late, why: "?" });
const attempted = (one: Delivery, result: Result, now = NOW) =>
  settled(begun(one, now), result, now);

const results: fc.Arbitrary<Result> = fc.oneof(
  fc.integer({ min: 100, max: 599 }).map(answered),
  fc.tuple(fc.boolean(), fc.boolean()).map(([sent, late]) => silent(sent, late)),
  fc.constant<Result>({ kind: "refused", why: "?" }),
);

describe("a question", () => {
  const asking = (window: number) => delivery("webhook", { reply_at: later(NOW, window) });
  const triedFor = (one: Delivery, from: number) => {
    let stand = one;
    let now = later(NOW, from);
    while (turnOf(stand, now) !== "give up") {
      stand = attempted(stand, silent(false), now);
      now = later(now, Math.max(0, secondsUntil(now, stand.next_at)));
    }
    return [stand.attempts > 0, secondsUntil(NOW, now)];
  };

  test.each([
    ["a second before its answer is due", 1, 0, [true, 61]],
    ["and heard by nobody", 120, 0, [true, 240]],
    ["whose turn comes after its window", 120, 160, [true, 240]],
    ["whose turn comes after two windows", 120, 400, [true, 400]],
    ["whose turn comes when nobody can wait for it", 120, 3_720, [false, 3_720]],
  ])("%s is tried at least once, and until another window is over", (_, window, from, tried) => {
    expect(triedFor(asking(window), from)).toEqual(tried);
  });
});

test("the word that an instance has moved is tried for a quarter of an hour", () => {
  const { give_up_at } = delivery("webhook", { state: "INSTANCE_ACTION_DONE" });

  expect(secondsUntil(NOW, give_up_at)).toBe(900);
});

describe("what others wait behind", () => {
  const failing = (failures: number, but: Parameters<typeof aProjectEvent>[1] = {}) => {
    let one = delivery("webhook", but);
    for (let n = 0; n < failures; n++) one = attempted(one, answered(500));
    return one;
  };

  test("is tried every minute at least", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.boolean(), (failures, isOver) => {
        const one = failing(failures);
        const next = attempted(delivery("webhook"), isOver ? answered(200) : answered(500));
        const { next_at } = hurried(one, [next]);
        const pause = secondsUntil(NOW, one.next_at);

        expect(secondsUntil(NOW, next_at)).toBe(isOver ? pause : Math.min(60, pause));
      }),
    );
  });

  test("gives way to a question when that should have been answered, unless it asks itself", () => {
    const question = delivery("webhook", { reply_at: later(NOW, 120) });
    const turn = (one: Delivery, seconds: number) =>
      turnOf(hurried(one, [delivery("webhook"), question]), later(NOW, seconds));

    expect(turn(failing(3), 119)).toBe("send");
    expect(turn(failing(3), 120)).toBe("give up");
    expect(turn(delivery("webhook"), 120)).toBe("send");
    expect(turn(failing(3, { reply_at: later(NOW, 100) }), 199)).toBe("send");
  });
});

describe("a webhook", () => {
  test("is sent again later and later, until its day is over", () => {
    let one = delivery("webhook");
    const pauses: number[] = [];
    let now = NOW;
    while (turnOf(one, now) !== "give up") {
      one = attempted(one, answered(500), now);
      pauses.push(secondsUntil(now, one.next_at));
      now = one.next_at;
    }

    expect(pauses.slice(0, 7)).toEqual([5, 15, 60, 300, 900, 3_600, 3_600]);
    expect(secondsUntil(NOW, now)).toBe(86_400);
    expect(givenUp(one, now)).toMatchObject({ state: "failed", last_status: 500 });
  });

  test.each([
    ["answers 200", answered(200), "delivered"],
    ["answers 204", answered(204), "delivered"],
    ["answers 302", answered(302), "pending"],
    ["answers 404", answered(404), "pending"],
    ["is gone", answered(410), "failed"],
    ["answers 503", answered(503), "pending"],
    ["does not answer", silent(true, true), "pending"],
    ["is not reached", silent(false), "pending"],
    ["may not be sent to", { kind: "refused", why: "?" } as const, "failed"],
  ])("whose receiver %s", (_, result, state) => {
    expect(attempted(delivery("webhook"), result).state).toBe(state);
  });

  test("whose sender died is sent again", () => {
    expect(turnOf(begun(delivery("webhook"), NOW), later(NOW, 60))).toBe("send");
  });

  test("that is to be sent once more has a day for it", () => {
    const failed = attempted(delivery("webhook", { reply_at: later(NOW, 60) }), answered(410));
    const again = replayed(failed, later(NOW, 7_200));

    expect(turnOf(again, later(NOW, 7_200))).toBe("send");
    expect(again).toMatchObject({ message_id: "msg_1", attempts: 0, finished_at: null });
  });
});

test("an application manager is sent nothing twice that it may have seen, whatever happens", () => {
  const states = ["SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE"];
  fc.assert(
    fc.property(fc.constantFrom(...states), fc.array(results), (state, happened) => {
      let one = delivery("alarm", { state });
      let now = NOW;
      let seen = 0;
      for (const result of happened) {
        if (!isOpen(one) || turnOf(one, now) !== "send") break;
        if (result.kind === "answered" || (result.kind === "silent" && result.sent)) seen += 1;
        one = attempted(one, result, now);
        now = later(now, Math.max(0, secondsUntil(now, one.next_at)));
      }

      expect(seen).toBeLessThanOrEqual(1);
      expect(turnOf(begun(one, now), later(now, 1))).toBe("give up");
    }),
  );
});

test.each(["MAINTENANCE", "INSTANCE_ACTION_DONE", "PLANNED_MAINTENANCE"])(
  "an application manager that answers %s with an error does not hold up what comes after it",
  (state) => {
    const one = attempted(delivery("alarm", { state }), answered(500));

    expect(isOpen(one)).toBe(false);
    expect(reachedBy(one)).toBe("reached");
  },
);

test("a delivery ends delivered only by an answer that says so", () => {
  fc.assert(
    fc.property(fc.constantFrom("webhook", "alarm"), results, (kind, result) => {
      const { state } = attempted(delivery(kind), result);
      const isTaken = result.kind === "answered" && result.status >= 200 && result.status < 300;

      expect(state === "delivered").toBe(isTaken);
    }),
  );
});

test("nothing of an answer but its status is kept", () => {
  expect(attempted(delivery("webhook"), answered(500))).toMatchObject({
    last_status: 500,
    last_error: "the receiver answered 500",
  });
});

test.each([
  ["delivered", "reached"],
  ["unknown", "reached"],
  ["failed", "not_reached"],
  ["pending", null],
  ["sending", null],
] as const)("who was sent what is %s counts as %s", (state, reached) => {
  expect(reachedBy({ state })).toBe(reached);
});

describe("a project", () => {
  const event = (
    receivers: readonly string[],
    outcomes: Reached["outcomes"],
    complete = true,
    reached_at: string | null = null,
  ): Reached => ({ receivers, outcomes, complete, reached_at });

  test.each([
    ["of whose event nobody has heard yet", [], "pending"],
    ["that nobody subscribed to", [event([], {})], "none"],
    ["of whose receivers some are not known yet", [event([], {}, false)], "pending"],
    ["with a receiver that has not answered", [event(["a"], {})], "pending"],
    [
      "with one that has, and one that was given up",
      [event(["a", "b"], { a: "reached", b: "not_reached" })],
      "reached",
    ],
    ["with one that has, and one that is tried", [event(["a", "b"], { a: "reached" })], "reached"],
    [
      "with one that was given up, and one that is tried",
      [event(["a", "b"], { a: "not_reached" })],
      "pending",
    ],
    ["whose receivers were all given up", [event(["a"], { a: "not_reached" })], "not_reached"],
    [
      "that got one event, and not the other",
      [event(["a"], { a: "reached" }), event(["a"], { a: "not_reached" })],
      "not_reached",
    ],
    [
      "that got one event, and waits for the other",
      [event(["a"], { a: "reached" }), event(["a"], {})],
      "pending",
    ],
  ] as const)("%s: %s", (_, events, reach) => {
    expect(reachIn(events).kind).toBe(reach);
  });

  test("counts as reached when it has got the last of what it was told at once", () => {
    const got = (at: string) => event(["a"], { a: "reached" }, true, at);

    expect(reachIn([got(later(NOW, 9)), got(later(NOW, 2))]).since).toBe(later(NOW, 9));
  });
});
