import { later } from "../instant.ts";
import type { OwnerAction } from "./action.ts";
import type { Answer, Ask, Hearing } from "./ask.ts";
import type { Dialogue } from "./rules.ts";

/** What the owner of an instance wishes once and for all. */
export type Wishes = {
  /** FEAT03 `migration_type`. */
  readonly migrationType: OwnerAction | null;
  /** The hint in the instance's metadata, as the owner wrote it. */
  readonly hint: string | undefined;
};

/** The key of the hint in a server's metadata. */
export const ACTION_HINT = "maintenance:action";

/**
 * What may be done with an instance: `wait` = nothing yet; `move` = it is moved, and `action` says
 * whether it may be stopped for that; `own_action` = its owner takes it away; `defer` = its owner is
 * asked again; `skip` = its host is put back; `stop` = the session stops.
 */
export type Consent =
  | { readonly kind: "wait"; readonly why: string; readonly until: string | null }
  | { readonly kind: "move"; readonly action: "LIVE_MIGRATE" | "MIGRATE" }
  | { readonly kind: "own_action"; readonly until: string }
  | { readonly kind: "defer"; readonly until: string; readonly why: string }
  | { readonly kind: "skip" | "stop"; readonly why: string };

/** Whether nothing is done with the instance because its owner was given time. */
export const isOwnersTime = (consent: Consent | undefined): boolean =>
  consent?.kind === "own_action" ||
  consent?.kind === "defer" ||
  (consent?.kind === "wait" && consent.until !== null);

type Circumstances = {
  readonly ask: Ask;
  readonly instanceId: string;
  readonly wishes: Wishes;
  readonly rules: Dialogue;
  readonly now: string;
  /** An admin has set the owner's word aside. */
  readonly isOverridden: boolean;
  /** How often the instance has been put off already. */
  readonly defers: number;
  /** By when it has to be gone at the latest; null = open. */
  readonly latestAt: string | null;
  readonly limits: {
    /** Refusals after which an instance is not put off again. */
    readonly maxDefers: number;
    /** How long an owner has to take an instance away itself. */
    readonly ownActionSeconds: number;
  };
};

/** How soon an owner that refused without saying until when is asked again. */
const ASK_AGAIN_SECONDS = 600;

/**
 * Decides what may be done with one instance from what was heard of its owner. An owner that said
 * nothing, or whose word was set aside, is never taken to have agreed to more than a live migration.
 */
export const consentOf = (hearing: Hearing, circumstances: Circumstances): Consent => {
  const { ask, rules, now, isOverridden } = circumstances;
  if (isOverridden) return { kind: "move", action: "LIVE_MIGRATE" };
  switch (hearing.kind) {
    case "open":
      return waiting(hearing.until);
    case "answered":
      return hearing.answer.ack
        ? agreed(hearing.answer, circumstances)
        : refused(hearing.answer, circumstances);
    case "withdrawn":
      return { kind: "wait", why: "its owner is asked anew", until: null };
    case "notice":
      if (ask.actions_at !== null && now < ask.actions_at) return waiting(ask.actions_at);
      return doing(wished(circumstances) ?? "LIVE_MIGRATE", ask.asked_at, circumstances);
    case "silent":
    case "not_reached":
      return rules[hearing.kind] === "live"
        ? { kind: "move", action: "LIVE_MIGRATE" }
        : { kind: "skip", why: `${WORDS[hearing.kind]}, asked until ${ask.reply_at}` };
  }
};

const waiting = (until: string): Consent => ({
  kind: "wait",
  why: `its owner has time until ${until}`,
  until,
});

const WORDS = {
  silent: "its owner did not answer",
  not_reached: "its owner could not be reached",
} as const;

/** The owner's standing wish, as far as the session allows it. */
const wished = ({ wishes, rules, ask }: Circumstances): OwnerAction | undefined => {
  const allowed = ask.expects_reply ? ask.allowed_actions : rules.allowed_actions;
  return [wishes.migrationType, wishes.hint].flatMap((wish) =>
    allowed.filter((action) => action === wish),
  )[0];
};

const agreed = (answer: Answer, circumstances: Circumstances): Consent =>
  doing(
    answer.actions[circumstances.instanceId] ?? wished(circumstances) ?? "LIVE_MIGRATE",
    answer.at,
    circumstances,
  );

const doing = (action: OwnerAction, since: string, { limits, now }: Circumstances): Consent => {
  if (action !== "OWN_ACTION") return { kind: "move", action };
  const until = later(since, limits.ownActionSeconds);
  return now < until
    ? { kind: "own_action", until }
    : { kind: "skip", why: `its owner meant to take it away itself, and had not by ${until}` };
};

/** A refusal that names another action is an answer like any other. */
const refused = (answer: Answer, circumstances: Circumstances): Consent => {
  const { instanceId, rules, defers, latestAt, limits } = circumstances;
  const other = answer.actions[instanceId];
  if (other !== undefined) return doing(other, answer.at, circumstances);
  const words = answer.reason === null ? "" : `: ${answer.reason}`;
  const why = `its owner refused${words}`;
  if (rules.refused === "stop") return { kind: "stop", why };
  const until = answer.not_before ?? later(answer.at, ASK_AGAIN_SECONDS);
  const isInTime = latestAt === null || until < latestAt;
  return rules.refused === "defer" && isInTime && defers < limits.maxDefers
    ? { kind: "defer", until, why: `${why}; asked again at ${until}` }
    : { kind: "skip", why };
};
