import type { DynamoDBRecord } from "aws-lambda";
import { describe, expect, test, vi } from "vitest";
import {
  BlockedError,
  ConflictError,
  ForbiddenError,
  InvalidError,
  MalformedError,
  NotFoundError,
  TransientError,
  UnauthorizedError,
} from "../../lib/domain/errors.ts";
import { isPassing } from "../../lib/lambda/passing.ts";
import { toProblem } from "../../lib/lambda/problem.ts";
import { step } from "../../lib/lambda/step.ts";
import { streamBatch } from "../../lib/lambda/stream-batch.ts";
import { troubleOf } from "../../lib/lambda/trouble.ts";
import { TransientOpenStackError } from "../../lib/openstack/errors.ts";

vi.hoisted(() => {
  process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";
});

const named = (name: string) => Object.assign(new Error("secret of the house"), { name });
const unreachable = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
const transientOfNova = new TransientOpenStackError({
  message: "Nova is busy",
  status: 503,
  requestId: null,
  detail: "",
  sent: true,
});

const problemOf = (error: unknown) => {
  const { statusCode, headers, body } = toProblem(error);
  return { statusCode, headers, body: JSON.parse(body ?? "") };
};

describe("an error as a problem", () => {
  const findings = [{ path: "hosts.0", code: "host_unknown", message: "sync it" }];

  test.each([
    [new MalformedError("no JSON"), 400, "invalid"],
    [new UnauthorizedError("no token"), 401, "unauthorized"],
    [new ForbiddenError("not yours"), 403, "forbidden"],
    [new NotFoundError("not here"), 404, "not_found"],
    [new ConflictError("too late"), 409, "conflict"],
    [new InvalidError("used key"), 422, "invalid"],
    [new BlockedError("in the way", findings), 422, "blocked"],
  ])("%s says its status, its code and what to do", (error, status, code) => {
    expect(problemOf(error)).toMatchObject({
      statusCode: status,
      headers: { "content-type": "application/problem+json" },
      body: { type: "about:blank", status, code, detail: error.message },
    });
  });

  test("lists what is wrong, place by place", () => {
    expect(problemOf(new BlockedError("in the way", findings)).body.errors).toEqual(findings);
    expect(problemOf(new NotFoundError("not here")).body).not.toHaveProperty("errors");
  });

  test.each([
    new TransientError("secret of the house"),
    transientOfNova,
    named("ThrottlingException"),
    unreachable,
  ])("that passes (%s) asks the caller to come again", (error) => {
    expect(problemOf(error)).toMatchObject({
      statusCode: 503,
      headers: { "retry-after": expect.stringMatching(/^\d+$/) },
      body: { code: "unavailable" },
    });
  });

  test.each([named("TypeError"), named("ValidationException"), "a string", null])(
    "that nobody foresaw (%s) tells nobody what it says",
    (error) => {
      const problem = problemOf(error);

      expect(problem).toMatchObject({ statusCode: 500, body: { code: "internal" } });
      expect(JSON.stringify(problem)).not.toContain("secret");
    },
  );
});

describe("a step", () => {
  const event = { run_id: "run-1", generation: 2, now: "2026-11-22T10:00:00.123Z", extra: 1 };
  const failing = (error: unknown) =>
    step(async () => {
      throw error;
    })(event);

  test("gets who it works for, since when, and the whole event", async () => {
    expect(await step(async (input) => input)(event)).toEqual({
      ref: { run_id: "run-1", generation: 2 },
      now: "2026-11-22T10:00:00.123Z",
      event,
    });
  });

  test("gets the instant in the form that sorts, however the machine writes it", async () => {
    const input = await step(async ({ now }) => now)({ ...event, now: "2026-11-22T10:00:00Z" });

    expect(input).toBe("2026-11-22T10:00:00.000Z");
  });

  test.each([
    new TransientError("later"),
    transientOfNova,
    unreachable,
    named("ThrottlingException"),
    named("ProvisionedThroughputExceededException"),
    named("TransactionConflictException"),
    named("TimeoutError"),
  ])("that meets a passing failure (%s) fails by the name that is retried", async (error) => {
    await expect(failing(error)).rejects.toMatchObject({
      name: "TransientError",
      message: error.message,
    });
  });

  test.each(["TypeError", "OpenStackError", "ConflictError"])(
    "that meets %s fails by that name",
    async (name) => {
      await expect(failing(named(name))).rejects.toMatchObject({ name });
    },
  );

  test.each([{}, { ...event, generation: "2" }, { ...event, now: "now" }, null])(
    "refuses input that no machine gives: %j",
    async (input) => {
      await expect(step(async () => ({}))(input)).rejects.toMatchObject({ name: "ZodError" });
    },
  );

  test("that throws no error at all is not called passing", () => {
    expect([null, undefined, "ThrottlingException", {}].filter(isPassing)).toEqual([]);
  });
});

describe("a consumer of the stream", () => {
  const records = ["1", "2", "3"].map(
    (SequenceNumber) => ({ dynamodb: { SequenceNumber } }) as DynamoDBRecord,
  );
  const consume = async (failsAt?: string) => {
    const seen: string[] = [];
    const { batchItemFailures } = await streamBatch(async ({ dynamodb }) => {
      const number = dynamodb?.SequenceNumber ?? "";
      seen.push(number);
      if (number === failsAt) throw new Error("busy");
    })({ Records: records });
    return { seen, failures: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
  };

  test("handles the records in their order", async () => {
    expect(await consume()).toEqual({ seen: ["1", "2", "3"], failures: [] });
  });

  test("stops at the first that fails and asks for it and all after it again", async () => {
    expect(await consume("2")).toEqual({ seen: ["1", "2"], failures: ["2"] });
  });
});

describe("the trouble of a step", () => {
  const trouble = (error: object) => troubleOf({ run_id: "run-1", error });

  test("is told by the error's name and the message that Lambda wraps", () => {
    const Cause = JSON.stringify({ errorType: "OpenStackError", errorMessage: "Nova said no" });

    expect(trouble({ Error: "OpenStackError", Cause })).toBe("OpenStackError: Nova said no");
  });

  test("is told in the machine's own words when there is no Lambda's", () => {
    expect(trouble({ Error: "States.Timeout" })).toBe("States.Timeout: no cause given");
    expect(trouble({ Error: "Lambda.Unknown", Cause: "it broke" })).toBe(
      "Lambda.Unknown: it broke",
    );
  });

  test("is cut to what a person reads", () => {
    expect(trouble({ Error: "E", Cause: "x".repeat(5_000) })).toHaveLength(1_000);
  });
});
