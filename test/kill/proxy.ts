import { createServer, request as send } from "node:http";

/**
 * Stands between Lull and its cloud, only to see when Lull speaks. The cloud's catalog names the
 * address that it was asked at, so that everything goes through here.
 */
export const startProxy = async (target: string) => {
  let lastAt: number | null = null;
  const { port } = new URL(target);
  const server = createServer((incoming, reply) => {
    lastAt = performance.now();
    const { method, url: path, headers } = incoming;
    const onward = send({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(reply);
    });
    onward.on("error", () => reply.destroy());
    // What has been sent takes effect, as a killed process's last words at a real Nova do.
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    /** When Lull last spoke to its cloud, by performance.now(). */
    lastAt: () => lastAt,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
