import { describe, expect, test } from "vitest";
import { later } from "../../lib/domain/instant.ts";
import { beginAgenda } from "../../lib/domain/plan/agenda.ts";
import { agendaStore } from "../../lib/store/agendas.ts";
import { runStore } from "../../lib/store/runs.ts";
import { openNearTable } from "../protocol/table.ts";
import { NOW, startRun } from "./dynamodb.ts";

const { table } = openNearTable();
const agendas = agendaStore(table);

const anAgenda = () => beginAgenda(null, { sessionId: crypto.randomUUID(), now: NOW });
const ways = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    host: `cmp-${n}`,
    moves: [{ instance_id: `vm-${n}`, to: "cmp-99" }],
  }));

describe("the agenda of a session", () => {
  test("is kept with where the instances of its hosts go, however many there are", async () => {
    const ref = await startRun(table, "cmp-01");
    const agenda = { ...anAgenda(), took_seconds: 2, made_at: NOW };
    await agendas.put(ref, agenda, ways(101));

    expect(await agendas.get(agenda.session_id)).toEqual(agenda);
    for (const n of [0, 100])
      expect([...(await agendas.waysFrom(agenda.session_id, `cmp-${n}`))]).toEqual([
        [`vm-${n}`, "cmp-99"],
      ]);
    expect(await agendas.waysFrom(agenda.session_id, "cmp-200")).toEqual(new Map());
  });

  test("keeps what hosts tell of instances that stray, also while it is planned anew", async () => {
    const ref = await startRun(table, "cmp-01");
    const agenda = anAgenda();
    const { session_id } = agenda;
    await agendas.strayed(session_id, NOW);
    expect(await agendas.get(session_id)).toBeNull();

    await agendas.put(ref, agenda);
    await agendas.strayed(session_id, later(NOW, 5));
    await agendas.put(ref, { ...agenda, took_seconds: 9, made_at: NOW });
    expect(await agendas.get(session_id)).toMatchObject({
      made_at: NOW,
      strayed_at: later(NOW, 5),
    });
  });

  test("is not written by a generation that has been taken over", async () => {
    const ref = await startRun(table, "cmp-01");
    const agenda = anAgenda();
    await runStore(table).supersede(ref, NOW);

    await expect(agendas.put(ref, agenda, ways(1))).rejects.toThrow("has been taken over");
    expect(await agendas.get(agenda.session_id)).toBeNull();
    expect(await agendas.waysFrom(agenda.session_id, "cmp-0")).toEqual(new Map());
  });
});
