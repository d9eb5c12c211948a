import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { laneWorker } from "../../lib/delivery/lane-worker.ts";
import { post } from "../../lib/delivery/post.ts";
import type { ReceiverKind } from "../../lib/delivery/receivers.ts";
import { leaseSeconds, newDelivery } from "../../lib/domain/delivery.ts";
import type { ProjectEvent } from "../../lib/domain/events/project-event.ts";
import { later } from "../../lib/domain/instant.ts";
import { ANSWER_SECONDS, type Receiver } from "../../lib/domain/receiver.ts";
import { deliveryStore } from "../../lib/store/deliveries.ts";
import { laneStore } from "../../lib/store/lanes.ts";
import { placeStore } from "../../lib/store/places.ts";
import { type DynamoDb, NOW, startDynamoDb } from "../store/dynamodb.ts";
import { aProjectEvent, aReceiver, testTime } from "./builders.ts";
import { startReceiver, type TestReceiver } from "./receiver.ts";

let dynamodb: DynamoDb;
let lanes: ReturnType<typeof laneStore>;
let deliveries: ReturnType<typeof deliveryStore>;
let places: ReturnType<typeof placeStore>;
const open: TestReceiver[] = [];
beforeAll(async () => {
  dynamodb = await startDynamoDb();
});
afterAll(() => dynamodb.close());
beforeEach(() => {
  const table = dynamodb.newTable();
  lanes = laneStore(table);
  deliveries = deliveryStore(table);
  places = placeStore(table);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((receiver) => receiver.close()));
});

const receive: typeof startReceiver = async (behave) => {
  const receiver = await startReceiver(behave);
  open.push(receiver);
  return receiver;
};

const LOOPBACK = { allow: ["127.0.0.0/8"], deny: [] };

/** Sends as the kinds of receivers do, the sequence of the event for a body. */
const send: ReceiverKind["send"] = ({ receiver, event, message_id }) =>
  post(
    {
      url: receiver.url,
      headers: { "webhook-id": message_id },
      body: JSON.stringify({ n: event.sequence, state: event.state }),
      timeoutMs: 300,
    },
    LOOPBACK,
  );

const workerOf = (by: ReceiverKind["send"] = send) =>
  laneWorker({ lanes, deliveries, places, send: by });
const worker = (by?: ReceiverKind["send"]) => workerOf(by).work;

const laneOf = (receiver: Receiver, session_id = "session-1") => ({
  receiver_id: receiver.receiver_id,
  session_id,
});
const at = (kind: Receiver["kind"], { url }: { readonly url: string }) => aReceiver(kind, url);

const append = async (receiver: Receiver, events: readonly ProjectEvent[]) => {
  for (const event of events) {
    await deliveries.noteReceivers(event, [receiver.receiver_id], true);
    const id = `${receiver.receiver_id} ${event.session_id} ${event.sequence}`;
    await lanes.append(newDelivery(event, receiver, id), NOW);
  }
};

const statesOf = async (receiver: Receiver, session_id?: string) => {
  const states: string[] = [];
  for (let after = "D#"; ; ) {
    const page = await lanes.next(laneOf(receiver, session_id), after);
    if (page.length === 0) return states;
    states.push(...page.map(({ delivery }) => delivery.state));
    after = page.at(-1)?.key ?? "";
  }
};
const numbers = ({ received }: TestReceiver) => received.map(({ body }) => body.n);
const events = (count: number, but: Partial<ProjectEvent> = {}) =>
  Array.from({ length: count }, (_, n) => aProjectEvent(n, but));
const reach = async (event = aProjectEvent()) =>
  (await deliveries.reachOf(event.session_id, event.project_id, event.at)).kind;

describe("a lane", () => {
  test("is worked lowest first, in whatever order it was filled", async () => {
    const receiver = await receive();
    const to = at("webhook", receiver);
    await append(to, events(30).toReversed());
    await worker()(laneOf(to), testTime());

    expect(numbers(receiver)).toEqual(Array.from({ length: 30 }, (_, n) => n));
    expect(await lanes.due(later(NOW, 100_000), 10)).toEqual([]);
    expect(await reach()).toBe("reached");
  });

  test("goes back for an event that came late", async () => {
    const receiver = await receive();
    const to = at("webhook", receiver);
    const [first, second, third] = events(3);
    if (!first || !second || !third) throw new Error("three events");
    await append(to, [first, third]);
    await worker()(laneOf(to), testTime());
    await append(to, [second]);
    await worker()(laneOf(to), testTime());

    expect(numbers(receiver)).toEqual([0, 2, 1]);
  });

  test("has one worker, who looks again for what came meanwhile", async () => {
    let answer = () => {};
    const receiver = await receive((response, _, n) => {
      answer = () => void response.writeHead(200).end();
      if (n > 0) answer();
    });
    const to = at("webhook", receiver);
    await append(to, events(1));
    const first = worker()(laneOf(to), testTime());
    await receiver.when(1);
    await append(to, events(4));
    await worker()(laneOf(to), testTime());
    expect(numbers(receiver)).toEqual([0]);
    answer();
    await first;

    expect(numbers(receiver)).toEqual([0, 1, 2, 3]);
  });

  test("takes new deliveries one by one, in the order in which they come", async () => {
    const receiver = await receive((response, _, n) => {
      response.writeHead(n === 1 ? 500 : 200).end();
    });
    const to = at("webhook", receiver);
    const time = testTime();
    for (const event of events(4))
      await workerOf().deliver(newDelivery(event, to, `msg_${event.sequence}`), time);

    expect(numbers(receiver)).toEqual([0, 1, 1, 2, 3]);
    expect(await statesOf(to)).toEqual(Array.from({ length: 4 }, () => "delivered"));
    expect(await lanes.due(later(NOW, 100_000), 10)).toEqual([]);
  });

  test("looks again for what came while a new delivery was sent", async () => {
    let answer = () => {};
    const receiver = await receive((response, _, n) => {
      answer = () => void response.writeHead(200).end();
      if (n > 0) answer();
    });
    const to = at("webhook", receiver);
    const [first, ...others] = events(4).map((event) =>
      newDelivery(event, to, `msg_${event.sequence}`),
    );
    if (!first) throw new Error("four events");
    const sent = workerOf().deliver(first, testTime());
    await receiver.when(1);
    await Promise.all(others.map((one) => workerOf().deliver(one, testTime())));
    expect(numbers(receiver)).toEqual([0]);
    answer();
    await sent;

    expect(numbers(receiver)).toEqual([0, 1, 2, 3]);
  });

  test("holds back what comes after a failure, and goes on when that got through", async () => {
    const receiver = await receive((response, _, n) => {
      response.writeHead(n < 4 ? 500 : 200).end();
    });
    const to = at("webhook", receiver);
    await append(to, events(2));
    const time = testTime();
    await worker()(laneOf(to), time);
    // 5 and 15 s later the worker itself tried again; the next time is the janitor's.
    expect(numbers(receiver)).toEqual([0, 0, 0]);
    expect(await reach()).toBe("pending");
    expect(await lanes.due(later(time.now(), 59), 10)).toEqual([]);
    expect(await lanes.due(later(time.now(), 60), 10)).toMatchObject([laneOf(to)]);

    time.pass(60);
    await worker()(laneOf(to), time);
    expect(numbers(receiver)).toEqual([0, 0, 0, 0]);
    // However often it failed: what waits behind it may be due an answer.
    time.pass(60);
    await worker()(laneOf(to), time);
    expect(numbers(receiver)).toEqual([0, 0, 0, 0, 0, 1]);
    const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(2);
  });

  test("tells all that one receiver is asked at once, however slow it is", async () => {
    const receiver = await receive();
    const to = at("alarm", receiver);
    const asked = events(40, { at: NOW, reply_at: later(NOW, 120), state: "PREPARE_MAINTENANCE" });
    await append(to, asked);
    const time = testTime();
    const slow: ReceiverKind["send"] = async (delivery, now) => {
      time.pass(4);
      return await send(delivery, now);
    };
    await worker(slow)(laneOf(to), time);

    expect(numbers(receiver)).toHaveLength(40);
    expect(await deliveries.reachOf("session-1", "project-1", NOW)).toEqual({
      kind: "reached",
      since: later(NOW, 160),
    });
  });

  test("goes on at once for what comes after a failure that has had its minute", async () => {
    let isBack = false;
    const receiver = await receive((response) => response.writeHead(isBack ? 200 : 500).end());
    const to = at("webhook", receiver);
    await append(to, events(1));
    const time = testTime();
    for (const seconds of [0, 60, 300, 100]) {
      time.pass(seconds);
      await worker()(laneOf(to), time);
    }
    isBack = true;
    await append(to, events(2).slice(1));
    await worker()(laneOf(to), time);

    expect(numbers(receiver).slice(-2)).toEqual([0, 1]);
  });

  test("tells a question in its time, although the notice before it does not get through", async () => {
    const receiver = await receive();
    const to = at("webhook", receiver);
    await append(to, [aProjectEvent(0), aProjectEvent(1, { reply_at: later(NOW, 120) })]);
    const time = testTime();
    const deaf: ReceiverKind["send"] = async (delivery, now) =>
      delivery.event.sequence === 0 ? { kind: "answered", status: 500 } : await send(delivery, now);
    await worker(deaf)(laneOf(to), time);
    expect(await statesOf(to)).toEqual(["pending", "pending"]);
    time.pass(120);
    await worker(deaf)(laneOf(to), time);

    expect(await statesOf(to)).toEqual(["failed", "delivered"]);
  });

  test("gives up on a receiver that does not answer in time, and says that it was not reached", async () => {
    const receiver = await receive((response) => response.writeHead(503).end());
    const to = at("webhook", receiver);
    await append(to, events(1, { reply_at: later(NOW, 40) }));
    const time = testTime();
    await worker()(laneOf(to), time);
    time.pass(100);
    await worker()(laneOf(to), time);

    expect(await statesOf(to)).toEqual(["failed"]);
    expect(await reach()).toBe("not_reached");
    expect(await lanes.due(later(NOW, 100_000), 10)).toEqual([]);
  });

  test("of a receiver that hangs is left to the janitor at once", async () => {
    const receiver = await receive(() => undefined);
    const to = at("webhook", receiver);
    await append(to, events(2));
    await worker()(laneOf(to), testTime());

    expect(numbers(receiver)).toEqual([0]);
    expect(await lanes.due(later(NOW, 5), 10)).toMatchObject([laneOf(to)]);
  });
});

describe("an application manager", () => {
  const SCALE_IN = { state: "SCALE_IN" };

  test("is not told twice to scale in when it took too long to answer", async () => {
    const receiver = await receive(() => undefined);
    const to = at("alarm", receiver);
    await append(to, events(1, SCALE_IN));
    const time = testTime();
    await worker()(laneOf(to), time);
    time.pass(100);
    await worker()(laneOf(to), time);

    expect(receiver.received).toHaveLength(1);
    expect(await statesOf(to)).toEqual(["unknown"]);
    expect(await reach()).toBe("reached");
  });

  test.each([500, 404, 503])("is not told twice when it answered %i", async (status) => {
    const receiver = await receive((response) => response.writeHead(status).end());
    const to = at("alarm", receiver);
    await append(to, events(1, SCALE_IN));
    const time = testTime();
    await worker()(laneOf(to), time);
    time.pass(100);
    await worker()(laneOf(to), time);

    expect(receiver.received).toHaveLength(1);
    expect(await statesOf(to)).toEqual(["unknown"]);
  });

  test("is told again when no connection stood", async () => {
    const receiver = await receive();
    const to = at("alarm", receiver);
    await append(to, events(1, SCALE_IN));
    let tries = 0;
    const unreachable: ReceiverKind["send"] = (delivery, now) => {
      tries += 1;
      const url = tries < 3 ? "http://127.0.0.1:1/" : delivery.receiver.url;
      return send({ ...delivery, receiver: { ...delivery.receiver, url } }, now);
    };
    await worker(unreachable)(laneOf(to), testTime());

    expect(tries).toBe(3);
    expect(receiver.received).toHaveLength(1);
    expect(await statesOf(to)).toEqual(["delivered"]);
  });

  const killedAfterPost: ReceiverKind["send"] = async (delivery, now) => {
    await send(delivery, now);
    throw new Error("killed");
  };

  test("is never told twice to scale in by a worker that died between POST and answer", async () => {
    const receiver = await receive();
    const to = at("alarm", receiver);
    await append(to, events(2, SCALE_IN));
    const time = testTime();
    await expect(worker(killedAfterPost)(laneOf(to), time)).rejects.toThrow("killed");
    expect(await statesOf(to)).toEqual(["sending", "pending"]);
    time.pass(ANSWER_SECONDS.alarm);
    await worker()(laneOf(to), time);
    expect(numbers(receiver)).toEqual([0]);

    time.pass(leaseSeconds("alarm") - ANSWER_SECONDS.alarm);
    await worker()(laneOf(to), time);
    expect(numbers(receiver)).toEqual([0, 1]);
    expect(await statesOf(to)).toEqual(["unknown", "delivered"]);
  });

  test("is not told again what was new to its lane when the worker died", async () => {
    const receiver = await receive();
    const to = at("alarm", receiver);
    const time = testTime();
    const deliver = (by: ReceiverKind["send"]) =>
      workerOf(by).deliver(newDelivery(aProjectEvent(0, SCALE_IN), to, "msg_1"), time);
    await expect(deliver(killedAfterPost)).rejects.toThrow("killed");
    await deliver(send);
    time.pass(leaseSeconds("alarm"));
    await deliver(send);

    expect(numbers(receiver)).toEqual([0]);
    expect(await statesOf(to)).toEqual(["unknown"]);
  });

  test.each(["MAINTENANCE", "INSTANCE_ACTION_DONE"])(
    "may hear %s again, which does no harm",
    async (state) => {
      const receiver = await receive();
      const to = at("alarm", receiver);
      await append(to, events(1, { state }));
      const time = testTime();
      await expect(worker(killedAfterPost)(laneOf(to), time)).rejects.toThrow("killed");
      time.pass(leaseSeconds("alarm"));
      await worker()(laneOf(to), time);

      expect(numbers(receiver)).toEqual([0, 0]);
      expect(await statesOf(to)).toEqual(["delivered"]);
    },
  );

  test("hears what came twice at the same time once", async () => {
    const receiver = await receive();
    const to = at("alarm", receiver);
    const deliver = () =>
      workerOf().deliver(newDelivery(aProjectEvent(0, SCALE_IN), to, "msg_1"), testTime());
    await Promise.all([deliver(), deliver(), deliver(), deliver()]);
    await deliver();

    expect(receiver.received).toHaveLength(1);
    expect(await statesOf(to)).toEqual(["delivered"]);
  });

  test("is not told what nobody can wait for any more", async () => {
    const receiver = await receive();
    const to = at("alarm", receiver);
    await append(to, events(1, { ...SCALE_IN, reply_at: later(NOW, 10) }));
    await worker()(laneOf(to), testTime(later(NOW, 3_610)));

    expect(receiver.received).toEqual([]);
    expect(await statesOf(to)).toEqual(["failed"]);
  });
});

describe("a project with more receivers that hang than it has places", () => {
  const MOST = 20;
  const LANES = 30;

  /** What its workers are at: those that hang until `answer`, and how many have left. */
  const crowd = async () => {
    const to = aReceiver("alarm", "http://hangs.example/");
    let hanging = 0;
    let left = 0;
    const { promise, resolve: answer } = Promise.withResolvers<void>();
    const hang: ReceiverKind["send"] = async () => {
      hanging += 1;
      await promise;
      return { kind: "answered", status: 200 };
    };
    const sent = Array.from({ length: LANES }, async (_, n) => {
      const event = aProjectEvent(0, { session_id: `session-${n}` });
      await workerOf(hang).deliver(newDelivery(event, to, `msg_${n}`), testTime());
      left += 1;
    });
    await vi.waitFor(() => expect(hanging + left).toBe(LANES), { timeout: 30_000 });
    return { to, hang, hanging: () => hanging, done: () => Promise.all(sent), answer };
  };

  test("holds those, and no more, and leaves the others to the janitor", async () => {
    const { to, hang, hanging, done, answer } = await crowd();
    // A lane that only begins to be worked may lose its place to another.
    const most = [MOST, MOST + 1];
    expect(most).toContain(hanging());
    const put = await lanes.due(later(NOW, 180), LANES);
    expect(put).toHaveLength(LANES - hanging());
    await Promise.all(put.map((lane) => worker(hang)(lane, testTime())));
    expect(most).toContain(hanging());

    answer();
    await done();
    await Promise.all(put.map((lane) => worker(hang)(lane, testTime())));
    const states = await Promise.all(
      Array.from({ length: LANES }, (_, n) => statesOf(to, `session-${n}`)),
    );
    expect(states.flat()).toEqual(Array.from({ length: LANES }, () => "delivered"));
  });

  test("leaves the janitor alone for a minute, and does not come back all at once", async () => {
    const { done, answer } = await crowd();
    const dueBy = async (seconds: number) => (await lanes.due(later(NOW, seconds), LANES)).length;

    expect(await dueBy(59)).toBe(0);
    const all = await dueBy(180);
    expect(all).toBeGreaterThanOrEqual(LANES - MOST - 1);
    expect(await dueBy(120)).toBeGreaterThan(0);
    expect(await dueBy(120)).toBeLessThan(all);
    answer();
    await done();
  });

  test("holds up no other project", async () => {
    const { done, answer } = await crowd();
    const receiver = await receive();
    const event = aProjectEvent(0, { project_id: "project-2" });
    const to = { ...at("webhook", receiver), receiver_id: "of-project-2" };
    await workerOf().deliver(newDelivery(event, to, "msg_1"), testTime());

    expect(receiver.received).toHaveLength(1);
    answer();
    await done();
  });

  test("has the places back of workers that died, when their leases are over", async () => {
    const { to, done, answer } = await crowd();
    const receiver = await receive();
    const event = aProjectEvent(0, { session_id: "session-after" });
    const next = { ...to, url: receiver.url };
    await workerOf().deliver(newDelivery(event, next, "msg_1"), testTime());
    expect(receiver.received).toEqual([]);

    // None of them has said that it is at its end.
    await worker()(laneOf(next, "session-after"), testTime(later(NOW, leaseSeconds("alarm"))));
    expect(receiver.received).toHaveLength(1);
    answer();
    await done();
  });
});

test("nothing is lost of 1,000 deliveries when every fifth attempt fails and workers die", async () => {
  let attempts = 0;
  const receiver = await receive((response, _, n) => {
    response.writeHead(n % 5 === 4 ? 500 : 200).end();
  });
  const to = at("webhook", receiver);
  const sessions = Array.from({ length: 20 }, (_, n) => `session-${n}`);
  await Promise.all(
    sessions.flatMap((session_id) =>
      events(50, { session_id }).map((event) =>
        lanes.append(newDelivery(event, to, `${session_id} ${event.sequence}`), NOW),
      ),
    ),
  );
  const mortal: ReceiverKind["send"] = async (delivery, now) => {
    const result = await send(delivery, now);
    attempts += 1;
    if (attempts % 101 === 0) throw new Error("killed");
    return result;
  };
  const time = testTime();
  const left = () => lanes.due(later(time.now(), 7_200), 100);
  for (let round = 0; (await left()).length > 0; round++) {
    expect(round).toBeLessThan(200);
    const due = await lanes.due(time.now(), 100);
    await Promise.allSettled(due.map((lane) => worker(mortal)(lane, testTime(time.now()))));
    time.pass(60);
  }

  const taken = await Promise.all(sessions.map((session_id) => statesOf(to, session_id)));
  expect(taken.flat()).toEqual(Array.from({ length: 1_000 }, () => "delivered"));
  expect(attempts).toBeGreaterThan(1_200);
});
