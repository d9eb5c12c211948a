import { expect, test } from "vitest";
import { parseMachine } from "../../../../localstack/aws/stepfunctions/machine.ts";

const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f";
const TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken";
const task = (but: object = {}) => ({ Type: "Task", Resource: FUNCTION, End: true, ...but });
const machine = (A: object, others: object = {}) => ({ StartAt: "A", States: { A, ...others } });

test("a machine of the whole subset is accepted", () => {
  const parsed = parseMachine(
    machine(
      task({
        End: undefined,
        Next: "Decide",
        Parameters: { "id.$": "$.id", step: "A", nested: { "at.$": "$$.State.EnteredTime" } },
        ResultPath: "$.a",
        TimeoutSecondsPath: "$.limit",
        Retry: [
          {
            ErrorEquals: ["TransientError"],
            IntervalSeconds: 2,
            BackoffRate: 1.5,
            MaxAttempts: 4,
            MaxDelaySeconds: 9,
            JitterStrategy: "NONE",
          },
        ],
        Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Failed" }],
      }),
      {
        Decide: {
          Type: "Choice",
          Choices: [
            {
              And: [
                { Comment: "known", Variable: "$.a.outcome", IsPresent: true },
                {
                  Or: [
                    { Variable: "$.a.outcome", StringEquals: "done" },
                    { Not: { Variable: "$.n", NumericGreaterThan: 3 } },
                  ],
                },
              ],
              Next: "Pause",
            },
            { Comment: "ready", Variable: "$.ok", BooleanEquals: true, Next: "Ask" },
          ],
          Default: "Done",
        },
        Pause: { Type: "Wait", SecondsPath: "$.pause", Next: "Ask" },
        Ask: {
          Type: "Task",
          Resource: TOKEN,
          Parameters: { FunctionName: FUNCTION, Payload: { "token.$": "$$.Task.Token" } },
          ResultPath: null,
          TimeoutSeconds: 60,
          Next: "Done",
        },
        Done: { Type: "Succeed" },
        Failed: { Type: "Fail", ErrorPath: "$.error.Error", CausePath: "$.error.Cause" },
      },
    ),
  );

  expect(Object.keys(parsed.States)).toHaveLength(6);
});

test.each<[string, object, RegExp]>([
  ["a state type outside the subset", machine({ Type: "Map", End: true }), /Type/],
  ["a Pass state", machine({ Type: "Pass", End: true }), /Type/],
  ["an unknown field of a task", machine(task({ HeartbeatSeconds: 5 })), /HeartbeatSeconds/],
  ["InputPath", machine(task({ InputPath: "$.x" })), /InputPath/],
  ["JSONata", { ...machine(task()), QueryLanguage: "JSONata" }, /QueryLanguage/],
  ["a time-out of the machine", { ...machine(task()), TimeoutSeconds: 5 }, /TimeoutSeconds/],
  [
    "an intrinsic function",
    machine(task({ Parameters: { "x.$": "States.UUID()" } })),
    /x\.\$ must be a path/,
  ],
  ["a path with a filter", machine(task({ ResultPath: "$.a[?(@.b)]" })), /ResultPath/],
  ["a result written to the context", machine(task({ ResultPath: "$$.x" })), /context/],
  [
    "an unknown choice operator",
    machine({ Type: "Choice", Choices: [{ Variable: "$.x", StringMatches: "*", Next: "A" }] }),
    /StringMatches/,
  ],
  [
    "two operators in one rule",
    machine({
      Type: "Choice",
      Choices: [{ Variable: "$.x", StringEquals: "a", IsPresent: true, Next: "A" }],
    }),
    /one operator/,
  ],
  [
    "full jitter",
    machine(task({ Retry: [{ ErrorEquals: ["E"], JitterStrategy: "FULL" }] })),
    /JitterStrategy/,
  ],
  [
    "States.ALL among others",
    machine(task({ Retry: [{ ErrorEquals: ["E", "States.ALL"] }] })),
    /stands alone/,
  ],
  [
    "States.ALL before another retrier",
    machine(task({ Retry: [{ ErrorEquals: ["States.ALL"] }, { ErrorEquals: ["E"] }] })),
    /must be last/,
  ],
  [
    "a Next that does not exist",
    machine(task({ End: undefined, Next: "B" })),
    /B, which does not exist/,
  ],
  ["neither Next nor End", machine(task({ End: undefined })), /exactly one of Next and End/],
  [
    "a state that nothing leads to",
    machine(task(), { B: { Type: "Succeed" } }),
    /B cannot be reached/,
  ],
  ["a wait without a length", machine({ Type: "Wait", End: true }), /exactly one of Seconds/],
  [
    "a token task without Payload",
    machine(task({ Resource: TOKEN, Parameters: { FunctionName: FUNCTION } })),
    /Payload/,
  ],
  [
    "a StartAt that does not exist",
    { StartAt: "X", States: { A: task() } },
    /X, which does not exist/,
  ],
])("%s is refused", (_, definition, message) => {
  expect(() => parseMachine(definition)).toThrow(message);
});
