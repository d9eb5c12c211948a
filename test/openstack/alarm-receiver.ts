import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";

/** The body of an alarm, as far as tests read it. */
export type AlarmBody = {
  readonly alarm_id: string;
  readonly reason_data: {
    readonly event: {
      readonly message_id: string;
      readonly traits: readonly (readonly [string, number, unknown])[];
    };
  };
};

/** The application manager's end of an alarm: it takes what is POSTed and answers 200. */
export const startAlarmReceiver = async () => {
  const bodies: AlarmBody[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      if (request.headers["content-type"] === "application/json")
        bodies.push(JSON.parse(Buffer.concat(chunks).toString("utf8")));
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/maintenance`,
    bodies,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
};

/** What a script of this folder, run by Debian's Python, makes of the input. */
const python = async (script: string, input: unknown): Promise<unknown> => {
  const child = spawn("/usr/bin/python3", [join(import.meta.dirname, script)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(input));
  const chunks: Uint8Array[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
};

/** The traits of an alarm's body, as Doctor's and as Tacker's client reads them. */
export const decoded = (body: AlarmBody) =>
  python("decode_traits.py", body) as Promise<
    Record<"doctor" | "tacker", Readonly<Record<string, unknown>>>
  >;

type Taken = [
  publisher: string,
  eventType: string,
  payload: unknown,
  messageId: string,
  timestamp: string,
];

/** What oslo.messaging's own listener takes from a topic of the exchange `openstack`. */
export const listened = (bus: string, topic: string, count: number) =>
  python("listen.py", { url: bus.replace(/^amqp/, "rabbit"), topic, count }) as Promise<Taken[]>;

/** Ids of those alarms that Aodh's own evaluator fires on the event. */
export const firedByAodh = (alarms: readonly unknown[], event: unknown) =>
  python("evaluate_alarms.py", { alarms, event }) as Promise<string[]>;
