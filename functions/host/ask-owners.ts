import { projectsText } from "../../lib/domain/dialogue/asking.ts";
import { isOwnersTime } from "../../lib/domain/dialogue/consent.ts";
import { entering } from "../../lib/domain/host-run.ts";
import { secondsUntil } from "../../lib/domain/instant.ts";
import { drainingFrom } from "../../lib/domain/standstill.ts";
import { factsOf, serversOn } from "../../lib/fleet/guests.ts";
import { computeServiceOf } from "../../lib/fleet/services.ts";
import type { Server } from "../../lib/openstack/compute/servers.ts";
import { askOwners } from "../../lib/steps/ask-owners.ts";
import { forgetIfAsked } from "../../lib/steps/forget-moves.ts";
import { type Consents, hearOwners } from "../../lib/steps/hear-owners.ts";
import { hostStep } from "../../lib/steps/host-step.ts";
import { readOwnersRules } from "../../lib/steps/owners-rules.ts";
import { writeStatusLinks } from "../../lib/steps/status-links.ts";

/** How long it sleeps at most before it looks whether anybody has answered. */
const LOOK_SECONDS = 60;

/**
 * State AskOwners: asks each project with instances on the host, and tells those that do not listen,
 * that they will be moved. It goes on as soon as something may be done with one of them.
 */
export const handler = hostStep("ASKING", async (context) => {
  const { now, session, settings, intents, ref, moves } = context;
  const { host } = context.run;
  const cloud = await context.cloud();
  // Throws while the cell does not answer: its list would silently be empty.
  await computeServiceOf(cloud, host);
  const [servers, facts, made] = await Promise.all([
    serversOn(cloud, host),
    factsOf(cloud, host),
    intents.list(ref.run_id),
  ]);
  const known = await forgetIfAsked(context, made);
  const rules = await readOwnersRules(context.constraints, servers, facts);
  const run = await askOwners(context, { servers, moves: known, intents: made, facts, rules });
  const asked = await moves.listByHost(session.session_id, host);
  const isLinking = await writeStatusLinks(context, servers, asked, made);
  const consents = await hearOwners({ ...context, run }, servers, asked, rules);
  const answersAt = nothingBut(consents);
  if (answersAt !== null)
    return {
      run: { ...run, details: whoHasTime(servers, consents, answersAt) },
      wait: "change",
      seconds: Math.max(1, Math.min(LOOK_SECONDS, secondsUntil(now, answersAt))),
    };
  // Nothing is moved before its owner finds the status page.
  if (isLinking) return { run, wait: "poll", seconds: settings.LULL_POLL_SECONDS };
  const moving = drainingFrom(entering(run, "MOVING", now), now);
  return { run: { ...moving, instances_left: servers.length } };
});

/** Who has time for an answer, in words that no project gets to see: they name projects. */
const whoHasTime = (servers: readonly Server[], consents: Consents, until: string): string => {
  const asked = servers.filter(({ id }) => isOwnersTime(consents.get(id)));
  const projects = new Set(asked.flatMap(({ project_id }) => project_id ?? []));
  return `the owners of its instances have time until ${until}: ${projectsText([...projects].toSorted())}`;
};

/** When the first answer is due, if there is nothing but answers to wait for. */
const nothingBut = (consents: Consents): string | null => {
  const all = [...consents.values()];
  const due = all.flatMap((one) => (one.kind === "wait" && one.until !== null ? [one.until] : []));
  return due.length === all.length ? (due.toSorted()[0] ?? null) : null;
};
