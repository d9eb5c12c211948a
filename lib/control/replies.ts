import type { Answer, Ask } from "../domain/dialogue/ask.ts";
import { answerTo, asksOf, isSameAnswer, type Reply } from "../domain/dialogue/reply.ts";
import { NotFoundError } from "../domain/errors.ts";
import { askStore } from "../store/asks.ts";
import { sessionProjectStore } from "../store/session-projects.ts";
import type { Table } from "../store/table.ts";

type Replying = {
  readonly sessionId: string;
  readonly projectId: string;
  /** The one that the path names; null = all that were asked about. */
  readonly instance: string | null;
  readonly by: string;
  readonly now: string;
};

/** Takes the replies of projects. Whoever calls this has made sure that the caller may speak for it. */
export const replies = (table: Table) => {
  const asks = askStore(table);
  const sessionProjects = sessionProjectStore(table);

  /** @returns whether the answer stands, be it said again; false = it comes too late */
  const put = async (ask: Ask, answer: Answer): Promise<boolean> =>
    isSameAnswer(ask.answer, answer) || (await asks.answer(ask, answer));

  return {
    /**
     * A reply to whatever of that state the project has been asked. One that answers nothing, comes
     * again or too late changes nothing and is no error: real clients send such.
     *
     * @throws NotFoundError when the session does not concern the project
     * @throws InvalidError when it chooses an action that is not allowed; then nothing is answered
     */
    async take(reply: Reply, replying: Replying) {
      const { sessionId, projectId, instance } = replying;
      const asked = asksOf(await asks.listByProject(sessionId, projectId), reply, instance);
      if (asked.length === 0 && (await sessionProjects.get(sessionId, projectId)) === null)
        throw new NotFoundError("no such session concerns the project");
      const open = asked.filter(({ closed_at }) => closed_at === null);
      const answers = (open.length > 0 ? open : asked).map(
        (ask) => [ask, answerTo(ask, reply, replying)] as const,
      );
      const taken = await Promise.all(answers.map(([ask, answer]) => put(ask, answer)));
      return {
        session_id: sessionId,
        project_id: projectId,
        state: reply.state,
        applied: taken.includes(true),
        too_late: taken.length > 0 && !taken.includes(true),
      };
    },
  };
};
