import { createServer } from "node:http";
import * as z from "zod";
import type { Stage } from "./stage.ts";

const PORT = 18_080;
export const RECEIVER_URL = `http://127.0.0.1:${PORT}/work`;

const orderSchema = z.object({ callback_url: z.string(), callback_token: z.string() });
type Order = z.infer<typeof orderSchema>;

/** Someone who works on hosts when told by webhook, and reports as faithfully as the stage says. */
export const startReceiver = (stage: Stage): Promise<void> => {
  const { chance, receiver, later } = stage;
  let former: Order | undefined;
  const report = ({ callback_url, callback_token }: Order, state: string): Promise<unknown> =>
    fetch(callback_url, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${callback_token}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify({ state }),
    }).then(
      ({ ok }) => (ok ? undefined : again(callback_url, callback_token, state)),
      () => again(callback_url, callback_token, state),
    );
  let tries = 0;
  const again = (callback_url: string, callback_token: string, state: string) => {
    tries += 1;
    if (tries < 50) later(5_000, () => report({ callback_url, callback_token }, state));
  };
  const work = (order: Order) => {
    const { manner } = receiver;
    const state = manner === "failed" ? "FAILED" : "DONE";
    if (manner === "stale" && former)
      later(1_000, () =>
        report({ ...order, callback_token: former?.callback_token ?? "" }, "DONE"),
      );
    if (manner === "lost") return;
    later(5_000 + chance() * 20_000, () => report(order, state));
    if (manner === "twice") later(25_000 + chance() * 60_000, () => report(order, state));
    former = order;
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      work(orderSchema.parse(JSON.parse(Buffer.concat(chunks).toString("utf8"))));
      response.writeHead(202);
      response.end();
    });
  });
  return new Promise((resolve) => server.listen(PORT, "127.0.0.1", () => resolve()));
};
