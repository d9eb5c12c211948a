import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

type Received = {
  /** Names in lower case, as a verifier of signatures takes them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  readonly body: any;
};

/** Decides what a receiver does with its nth request, counted from 0; never answering is allowed. */
type Behaviour = (response: ServerResponse, received: Received, n: number) => void;

const take: Behaviour = (response) => void response.writeHead(204).end();

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};

/** Somebody who is told things over HTTP. */
export const startReceiver = async (behave: Behaviour = take) => {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const text = await textOf(request).catch(() => "");
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const one = { headers, text, body: JSON.parse(text || "null") };
    received.push(one);
    behave(response, one, received.length - 1);
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/events`,
    received,
    /** Resolves once so many requests have come. */
    when: (count: number) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (received.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
};
export type TestReceiver = Awaited<ReturnType<typeof startReceiver>>;
