import aslValidator from "asl-validator";
import { describe, expect, test } from "vitest";
import { PHASES } from "../../lib/domain/host-run.ts";
import type { SessionStep } from "../../lib/domain/plan/session-step.ts";
import { LONGEST_WAIT_SECONDS } from "../../lib/domain/run.ts";
import { serverless } from "../serverless.ts";
import {
  capitalised,
  isFile,
  kebabCase,
  MACHINES,
  routesOf,
  sourceOf,
  statesOf,
  statesOfType,
  textOf,
} from "./machines.ts";

/** No plain wait is longer: whoever waits longer is woken by its token. */
const LONGEST_PLAIN_WAIT = 60;
/** Seconds after which Lambda ends any step. */
const LAMBDA_SECONDS = 60;

/** The definition as it is deployed: every placeholder is a function's ARN. */
const deployed = (name: (typeof MACHINES)[number]) =>
  JSON.parse(
    textOf(name).replace(/\$\{(\w+)\}/g, "arn:aws:lambda:us-east-1:000000000000:function:$1"),
  );

describe.each(MACHINES)("the machine of a %s", (name) => {
  const tasks = statesOfType(name, "Task");

  test("is valid in Amazon States Language", () => {
    const { isValid, errorsText } = aslValidator(deployed(name), { checkPaths: true });

    expect(isValid, errorsText()).toBe(true);
  });

  test("is made of tasks, choices, waits and ends only", () => {
    expect(new Set(Object.values(statesOf(name)).map(({ Type }) => Type))).toEqual(
      new Set(["Task", "Choice", "Wait", "Succeed", "Fail"]),
    );
  });

  test.each(tasks)("%s names the file that does it, and no other state does", (task, state) => {
    const file = `functions/${name}/${kebabCase(task)}.ts`;

    expect(state.Comment).toMatch(new RegExp(`^${file}`));
    expect(isFile(file)).toBe(true);
  });

  test.each(tasks)("%s may take longer than its Lambda, and not for ever", (_, state) => {
    if (state.TimeoutSecondsPath === undefined)
      expect(state.TimeoutSeconds).toBeGreaterThan(LAMBDA_SECONDS);
    expect(state.TimeoutSeconds ?? 0).toBeLessThanOrEqual(LONGEST_WAIT_SECONDS);
  });

  test.each(tasks)(
    "%s is tried again after a passing failure and caught after any other",
    (_, state) => {
      const retried = state.Retry.flatMap(({ ErrorEquals }) => ErrorEquals);

      expect(retried).toContain("TransientError");
      expect(retried).not.toContain("States.ALL");
      expect(state.Catch.at(-1)?.ErrorEquals).toEqual(["States.ALL"]);
    },
  );

  test.each(tasks)(
    "%s fails into a state that waits, never into one that goes on",
    (task, state) => {
      const next = state.Catch.at(-1)?.Next ?? "";

      expect(next).toBe(task === "NoteTrouble" ? "RestAfterTrouble" : "NoteTrouble");
      expect(statesOf(name)["RestAfterTrouble"]?.Type).toBe("Wait");
    },
  );

  test("notes its trouble and then rests before it tries again", () => {
    const choice = statesOf(name)["NoteTrouble"]?.Next ?? "";
    const rests = Object.values(routesOf(name, choice)).map((next) => statesOf(name)[next]?.Type);

    expect(rests).toContain("Wait");
  });

  test.each(tasks)("%s gets ids and routing fields, nothing else", (_, { Parameters = {} }) => {
    const { FunctionName: _name, Payload = Parameters } = Parameters;
    const values = Object.values(Payload as Record<string, string>);

    for (const value of values)
      expect([
        "$.run_id",
        "$.generation",
        "$$.State.EnteredTime",
        "$$.Task.Token",
        "$.step.seq",
        "$.step.seconds",
        "$.error",
      ]).toContain(value);
    expect(values).toEqual(
      expect.arrayContaining(["$.run_id", "$.generation", "$$.State.EnteredTime"]),
    );
  });

  test.each(statesOfType(name, "Wait"))("%s lasts a minute at most", (_, state) => {
    if (state.SecondsPath === undefined)
      expect(state.Seconds).toBeLessThanOrEqual(LONGEST_PLAIN_WAIT);
    else expect(state.Comment).toContain(`at most ${LONGEST_PLAIN_WAIT}`);
  });

  test("sleeps for news in one state only, until a time that its step chose", () => {
    const sleeping = tasks.filter(([, { Resource }]) => Resource?.endsWith(".waitForTaskToken"));

    expect(sleeping.map(([task]) => task)).toEqual(["AwaitChange"]);
    expect(sleeping[0]?.[1].TimeoutSecondsPath).toBe("$.step.seconds");
    expect(sleeping[0]?.[1].Catch[0]?.ErrorEquals).toEqual(["States.Timeout"]);
  });

  test("ends loudly on a route it does not know", () => {
    const defaults = statesOfType(name, "Choice").map(([, state]) => state.Default);
    const ends = defaults.filter((next) => statesOf(name)[next ?? ""]?.Type === "Fail");

    expect(defaults).not.toContain(undefined);
    expect(ends).toHaveLength(1);
  });

  test("reaches every state from its first, and leads to none that is not there", () => {
    const states = statesOf(name);
    const reached = new Set<string>();
    const visit = (state: string): void => {
      if (reached.has(state)) return;
      reached.add(state);
      const found = states[state];
      expect(found, `no state ${state}`).toBeDefined();
      const nexts = [found?.Next, found?.Default, ...(found?.Catch ?? []).map(({ Next }) => Next)];
      for (const next of [...nexts, ...(found?.Choices ?? []).map(({ Next }) => Next)])
        if (next !== undefined) visit(next);
    };
    visit(JSON.parse(textOf(name)).StartAt);

    expect([...reached].toSorted()).toEqual(Object.keys(states).toSorted());
  });

  test("calls the functions that serverless.yml deploys, each by the state's own name", () => {
    const placeholders = [...textOf(name).matchAll(/\$\{(\w+)\}/g)].map(([, key = ""]) => key);
    const machine = `${capitalised(name)}Machine`;
    const { Properties } = serverless.resource(machine, "AWS::StepFunctions::StateMachine");
    const expected = placeholders.map((key) => [
      key,
      { "Fn::GetAtt": [`${capitalised(name)}${key}LambdaFunction`, "Arn"] },
    ]);

    expect(Properties["Definition"]).toBe(`\${file(statemachines/${name}.asl.json)}`);
    expect(Properties["DefinitionSubstitutions"]).toEqual(Object.fromEntries(expected));
    for (const key of placeholders)
      expect(serverless.functions[`${name}${key}`]).toMatchObject({
        handler: `dist/functions/${name}/${kebabCase(key)}.handler`,
      });
  });
});

describe("the machine of a host", () => {
  test("routes every phase but the one in which it does not run", () => {
    const routes = routesOf("host", "NextPhase");
    const { SUPERSEDED, FINISHED, WAITING, ...work } = routes;

    expect(Object.keys(work)).toEqual(
      PHASES.filter((phase) => phase !== "WAITING" && phase !== "FINISHED"),
    );
    expect([SUPERSEDED, FINISHED].map((next) => statesOf("host")[next ?? ""]?.Type)).toEqual([
      "Succeed",
      "Succeed",
    ]);
  });

  test("does each phase in a state of its own", () => {
    const { SUPERSEDED: _, FINISHED: __, WAITING: ___, ...work } = routesOf("host", "NextPhase");

    expect(new Set(Object.values(work)).size).toBe(Object.keys(work).length);
    for (const next of Object.values(work)) expect(statesOf("host")[next]?.Type).toBe("Task");
  });

  test("has the step of each phase work on that phase", () => {
    const { SUPERSEDED: _, FINISHED: __, WAITING: ___, ...work } = routesOf("host", "NextPhase");
    const phaseOf = (state: string) =>
      /hostStep\(\s*"(\w+)"/.exec(sourceOf(`functions/host/${kebabCase(state)}.ts`))?.[1];

    expect(Object.values(work).map(phaseOf)).toEqual(Object.keys(work));
  });

  test("polls or sleeps when the step says so, and goes on when it says nothing", () => {
    expect(routesOf("host", "GoOnOrWait")).toEqual({ poll: "Poll", change: "AwaitChange" });
    expect(statesOf("host")["GoOnOrWait"]?.Default).toBe("NextPhase");
  });
});

describe("the machine of a session", () => {
  test("routes every step that the plan may ask for", () => {
    const steps: Record<SessionStep["next"], true> = {
      preflight: true,
      ask: true,
      claim: true,
      order: true,
      dispatch: true,
      await: true,
      close: true,
      ended: true,
    };

    expect(Object.keys(routesOf("session", "NextStep"))).toEqual(
      expect.arrayContaining(Object.keys(steps)),
    );
  });

  test("routes every step that its functions answer", () => {
    const answered = statesOfType("session", "Task").flatMap(([task]) =>
      [...sourceOf(`functions/session/${kebabCase(task)}.ts`).matchAll(/next: "(\w+)"/g)].map(
        ([, next = ""]) => next,
      ),
    );

    expect(answered.length).toBeGreaterThan(4);
    expect(Object.keys(routesOf("session", "NextStep"))).toEqual(expect.arrayContaining(answered));
  });
});
