import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";

/** A started server and how to end it. */
export type Listening = {
  readonly url: string;
  /** Takes no new connections; resolves when the last request under way is answered. */
  readonly drain: () => Promise<void>;
  /** Ends every connection at once. */
  readonly close: () => void;
};

/** A request's body is longer than the limit. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** Collects a request's body. @throws BodyTooLargeError beyond `limit` bytes; the rest is left unread */
export const readBody = (request: IncomingMessage, limit: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else reject(new BodyTooLargeError(`more than ${limit} bytes`));
    });
    request.on("end", () =>
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)),
    );
    request.on("error", reject);
  });

const urlOf = (server: Server): string => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
};

/**
 * Starts an HTTP server; port 0 = any free one. Idle connections are kept for ten minutes, so that
 * the pools of SDK clients do not meet a connection that was just closed.
 */
export const listen = (
  listener: RequestListener,
  { host, port }: { host: string; port: number },
): Promise<Listening> => {
  let draining = false;
  const server = createServer(
    { keepAliveTimeout: 600_000, maxHeaderSize: 16_384 },
    (request, response) => {
      response.once("finish", () => {
        if (draining) request.socket.end();
      });
      listener(request, response);
    },
  );
  const drain = () =>
    new Promise<void>((resolve) => {
      draining = true;
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () =>
      resolve({ url: urlOf(server), drain, close: () => server.closeAllConnections() }),
    );
  });
};
