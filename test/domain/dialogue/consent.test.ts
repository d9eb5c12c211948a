import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OWNER_ACTIONS, type OwnerAction } from "../../../lib/domain/dialogue/action.ts";
import type { Answer, Hearing } from "../../../lib/domain/dialogue/ask.ts";
import { consentOf } from "../../../lib/domain/dialogue/consent.ts";
import { type Dialogue, dialogueSchema } from "../../../lib/domain/dialogue/rules.ts";
import { later } from "../../../lib/domain/instant.ts";
import { anAsk, NOW } from "../builders.ts";

const answered = (but: Partial<Answer> = {}): Hearing => ({
  kind: "answered",
  answer: {
    ack: true,
    at: NOW,
    by: "vnfm",
    actions: {},
    reason: null,
    not_before: null,
    override: null,
    ...but,
  },
});
const refusal = (but: Partial<Answer> = {}) => answered({ ack: false, ...but });

type Circumstances = Parameters<typeof consentOf>[1];

const consent = (
  hearing: Hearing,
  {
    rules = {},
    ...but
  }: Partial<Omit<Circumstances, "rules">> & { rules?: Partial<Dialogue> } = {},
) =>
  consentOf(hearing, {
    ask: anAsk(),
    instanceId: "instance-1",
    wishes: { migrationType: null, hint: undefined },
    now: NOW,
    isOverridden: false,
    defers: 0,
    latestAt: null,
    limits: { maxDefers: 3, ownActionSeconds: 600 },
    ...but,
    rules: { ...dialogueSchema.parse({}), ...rules },
  });

describe("an owner that agreed", () => {
  test.each(["LIVE_MIGRATE", "MIGRATE"] as const)("has its instance moved by %s", (action) => {
    expect(consent(answered({ actions: { "instance-1": action } }))).toEqual({
      kind: "move",
      action,
    });
  });

  test("without a word on how is moved as it wished once and for all, its constraint first", () => {
    const hint = "MIGRATE";

    expect(consent(answered())).toEqual({ kind: "move", action: "LIVE_MIGRATE" });
    expect(consent(answered(), { wishes: { migrationType: null, hint } })).toEqual({
      kind: "move",
      action: "MIGRATE",
    });
    expect(consent(answered(), { wishes: { migrationType: "LIVE_MIGRATE", hint } })).toEqual({
      kind: "move",
      action: "LIVE_MIGRATE",
    });
  });

  test("is not moved by a wish that the session does not allow, or that means nothing", () => {
    const ask = anAsk({ allowed_actions: ["LIVE_MIGRATE"] });

    for (const hint of ["MIGRATE", "RUN AWAY", ""])
      expect(consent(answered(), { ask, wishes: { migrationType: null, hint } })).toEqual({
        kind: "move",
        action: "LIVE_MIGRATE",
      });
  });

  test("to take it away itself has its time for that, and then its host is put back", () => {
    const hearing = answered({ actions: { "instance-1": "OWN_ACTION" } });

    expect(consent(hearing, { now: later(NOW, 599) })).toEqual({
      kind: "own_action",
      until: later(NOW, 600),
    });
    expect(consent(hearing, { now: later(NOW, 600) }).kind).toBe("skip");
  });
});

describe("an owner that refused", () => {
  test("and named another action gets that", () => {
    expect(consent(refusal({ actions: { "instance-1": "MIGRATE" } }))).toEqual({
      kind: "move",
      action: "MIGRATE",
    });
  });

  test("is asked again when it said, or in ten minutes", () => {
    const at = later(NOW, 3_000);

    expect(consent(refusal({ not_before: at }))).toMatchObject({ kind: "defer", until: at });
    expect(consent(refusal())).toMatchObject({ kind: "defer", until: later(NOW, 600) });
  });

  test("too often, or beyond the end, has its host put back", () => {
    const tooLate = { not_before: later(NOW, 3_000) };

    expect(consent(refusal(), { defers: 3 }).kind).toBe("skip");
    expect(consent(refusal(tooLate), { latestAt: later(NOW, 3_000) }).kind).toBe("skip");
  });

  test("stops the session, or has its host put back, where the rules say so", () => {
    const reason = "busy hour";

    expect(consent(refusal({ reason }), { rules: { refused: "skip" } })).toEqual({
      kind: "skip",
      why: "its owner refused: busy hour",
    });
    expect(consent(refusal(), { rules: { refused: "stop" } }).kind).toBe("stop");
  });
});

describe("an owner that says nothing", () => {
  test("has its instance moved live, where it heard it", () => {
    expect(consent({ kind: "silent" })).toEqual({ kind: "move", action: "LIVE_MIGRATE" });
    expect(consent({ kind: "silent" }, { rules: { silent: "skip" } }).kind).toBe("skip");
  });

  test("because nothing got through to it has its host put back", () => {
    expect(consent({ kind: "not_reached" }).kind).toBe("skip");
    expect(consent({ kind: "not_reached" }, { rules: { not_reached: "live" } })).toEqual({
      kind: "move",
      action: "LIVE_MIGRATE",
    });
  });

  test("because it does not listen has the lead time that it asked for", () => {
    const ask = anAsk({ expects_reply: false, allowed_actions: [], actions_at: later(NOW, 40) });

    expect(consent({ kind: "notice" }, { ask, now: later(NOW, 39) }).kind).toBe("wait");
    expect(consent({ kind: "notice" }, { ask, now: later(NOW, 40) })).toEqual({
      kind: "move",
      action: "LIVE_MIGRATE",
    });
  });
});

test("an owner whose word was set aside is moved live, whatever was said", () => {
  const overridden = { isOverridden: true };
  const stopped = { actions: { "instance-1": "MIGRATE" as const } };

  for (const hearing of [refusal(), answered(stopped), { kind: "silent" } as const])
    expect(consent(hearing, overridden)).toEqual({ kind: "move", action: "LIVE_MIGRATE" });
});

test("nothing but an owner's own word ever lets an instance be stopped for its move", () => {
  const actions = fc.constantFrom(...OWNER_ACTIONS);
  const wishes = fc.record({
    migrationType: fc.option(actions),
    hint: fc.option(fc.constantFrom<string>(...OWNER_ACTIONS, "x"), { nil: undefined }),
  });
  const hearings: fc.Arbitrary<Hearing> = fc.oneof(
    fc.constantFrom<Hearing>(
      { kind: "silent" },
      { kind: "not_reached" },
      { kind: "notice" },
      { kind: "open", until: NOW },
    ),
    fc
      .record({ ack: fc.boolean(), action: fc.option(actions) })
      .map(({ ack, action }) =>
        answered({ ack, actions: action === null ? {} : { "instance-1": action } }),
      ),
  );
  const rules = fc.record({
    silent: fc.constantFrom<Dialogue["silent"]>("live", "skip"),
    not_reached: fc.constantFrom<Dialogue["not_reached"]>("live", "skip"),
    refused: fc.constantFrom<Dialogue["refused"]>("defer", "skip", "stop"),
    allowed_actions: fc.subarray<OwnerAction>([...OWNER_ACTIONS]),
  });
  fc.assert(
    fc.property(hearings, wishes, rules, (hearing, wish, rule) => {
      const ask = anAsk({
        expects_reply: hearing.kind !== "notice",
        allowed_actions: rule.allowed_actions,
        actions_at: NOW,
      });
      const agreed = consent(hearing, { ask, wishes: wish, rules: rule });
      if (agreed.kind !== "move" || agreed.action !== "MIGRATE") return;

      const chosen =
        hearing.kind === "answered" && hearing.answer.actions["instance-1"] === "MIGRATE";
      const standing = wish.migrationType === "MIGRATE" || wish.hint === "MIGRATE";
      expect(chosen || standing).toBe(true);
      expect(["answered", "notice"]).toContain(hearing.kind);
      if (!chosen) expect(rule.allowed_actions).toContain("MIGRATE");
    }),
  );
});
