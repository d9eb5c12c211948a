import { createServer } from "node:http";
import * as z from "zod";

const orderSchema = z.object({
  type: z.literal("maintenance.work"),
  session_id: z.string(),
  host: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  expires_at: z.string(),
  callback_url: z.url(),
  callback_token: z.string().min(32),
});
export type Order = z.infer<typeof orderSchema>;

/** Somebody who works on hosts when told to: it takes orders and reports nothing by itself. */
export const startReceiver = async () => {
  const orders: Order[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      orders.push(orderSchema.parse(JSON.parse(Buffer.concat(chunks).toString("utf8"))));
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/work`,
    orders,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
};

/** Reports the end of the work. @returns the status of the answer */
export const report = async (
  { callback_url }: Order,
  token: string,
  body: { readonly state: string; readonly details?: string },
): Promise<number> => {
  const response = await fetch(callback_url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
};
