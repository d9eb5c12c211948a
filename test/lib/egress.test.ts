import { once } from "node:events";
import * as http from "node:http";
import * as net from "node:net";
import { networkInterfaces } from "node:os";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import {
  check,
  EgressFailedError,
  type EgressPolicy,
  EgressRefusedError,
  type EgressRequest,
  send,
} from "../../lib/egress.ts";

const closed: EgressPolicy = { allow: [], deny: [] };
const loopback: EgressPolicy = { allow: ["127.0.0.0/8", "::1/128"], deny: [] };
const everything: EgressPolicy = { allow: ["0.0.0.0/0", "::/0"], deny: [] };

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

const receiver = async (
  answer: (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void = (
    _request,
    response,
  ) => response.end("ok"),
) => {
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    answer(request, response, Buffer.concat(chunks).toString());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
};

/** Listens and accepts nobody: once its queue is full, the system drops who else would connect. @returns its port */
const crowded = async (): Promise<number> => {
  const listening = `
    const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      require("node:worker_threads").parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(listening, { eval: true });
  const [port] = await once(worker, "message");
  const waiting = Array.from({ length: 8 }, () => net.connect(port, "127.0.0.1"));
  for (const socket of waiting) socket.on("error", () => undefined);
  open.push(() => {
    for (const socket of waiting) socket.destroy();
    worker.terminate();
  });
  await Promise.race(waiting.map((socket) => once(socket, "connect")));
  return port;
};

const get = (url: string, more?: Partial<EgressRequest>): EgressRequest => ({
  url,
  method: "GET",
  timeoutMs: 5_000,
  ...more,
});

/** What became of a request, without a receiver: the connection is refused by the discard port or not tried at all. */
const failure = async (
  request: EgressRequest,
  policy: EgressPolicy,
  answers: readonly string[] = [],
): Promise<Error> => {
  try {
    await send(request, policy, async () =>
      answers.map((address) => ({ address, family: net.isIP(address) })),
    );
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error(`${request.url} was sent`);
};

describe("addresses that need LULL_EGRESS_ALLOW", () => {
  test.each([
    "http://127.0.0.1/",
    "http://127.255.255.254/",
    "http://127.0.0.1:8080/path?x=y#z",
    "https://127.0.0.1/",
    "HTTP://127.0.0.1/",
    "http://0.0.0.0/",
    "http://0.0.0.1/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://240.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[2001:db8::1]/",
    "http://[2002:7f00:1::]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[::7f00:1]/",
    "http://[2001::1]/",
  ])("%s is refused", async (url) => {
    const error = await failure(get(url), closed);
    expect(error).toBeInstanceOf(EgressRefusedError);
    expect(error.message).toContain("LULL_EGRESS_ALLOW");
  });
});

describe("addresses that nothing opens", () => {
  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://169.254.170.23/v1/credentials",
    "http://169.254.0.1/",
    "http://[fd00:ec2::254]/",
    "http://[fd00:ec2::23]/",
    "http://[fd20:ce::254]/",
    "http://[fe80::a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[ff02::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::FFFF:169.254.169.254]/",
    "http://[::ffff:8.8.8.8]/",
  ])("%s is refused", async (url) => {
    const error = await failure(get(url), everything);
    expect(error).toBeInstanceOf(EgressRefusedError);
    expect(error.message).toContain("never reached");
  });
});

describe("URLs that are not written plainly", () => {
  test.each([
    ["octal", "http://0177.0.0.1/"],
    ["octal, all four", "http://0177.0000.0000.0001/"],
    ["hexadecimal", "http://0x7f.0x0.0x0.0x1/"],
    ["hexadecimal in one", "http://0x7f000001/"],
    ["decimal", "http://2130706433/"],
    ["decimal, metadata", "http://2852039166/"],
    ["short", "http://127.1/"],
    ["short, zero", "http://0/"],
    ["a public address in octal", "http://010.8.8.8/"],
    ["trailing dot", "http://127.0.0.1./"],
    ["percent escapes", "http://%31%32%37.0.0.1/"],
    ["full-width digits", "http://１２７.0.0.1/"],
    ["ideographic full stop", "http://127。0。0。1/"],
    ["circled letters", "http://ⓛocalhost/"],
    ["soft hyphen", "http://local\u00adhost/"],
    ["zone id", "http://[fe80::1%25eth0]/"],
    ["bare zone id", "http://[fe80::1%eth0]/"],
    ["user name", "http://user@receiver.example/"],
    ["user name and password", "http://user:secret@receiver.example/"],
    ["user name that looks like a host", "http://receiver.example@127.0.0.1/"],
    ["empty user name", "http://@receiver.example/"],
    ["backslash", "http:\\\\receiver.example\\"],
    ["backslash and at", "http://receiver.example\\@127.0.0.1/"],
    ["one slash", "http:/receiver.example/"],
    ["no slash", "http:receiver.example"],
    ["three slashes", "http:///receiver.example/"],
    ["leading space", " http://receiver.example/"],
    ["line break in the host", "http://receiver\n.example/"],
    ["tab in the scheme", "ht\ttp://receiver.example/"],
    ["no host", "http://"],
    ["empty", ""],
    ["no scheme", "receiver.example/path"],
    ["scheme-relative", "//receiver.example/path"],
    ["file", "file:///etc/passwd"],
    ["ftp", "ftp://receiver.example/"],
    ["gopher", "gopher://127.0.0.1:6379/_INFO"],
    ["data", "data:text/plain,hello"],
    ["unix", "unix://var/run/docker.sock"],
    ["websocket", "ws://receiver.example/"],
    ["script", "javascript:alert(1)"],
    ["port too high", "http://receiver.example:65536/"],
    ["port not a number", "http://receiver.example:http/"],
  ])("%s: %j is refused", async (_what, url) => {
    expect(await failure(get(url), everything, ["93.184.215.14"])).toBeInstanceOf(
      EgressRefusedError,
    );
  });

  test("a strange spelling is answered with the plain one", async () => {
    const { message } = await failure(get("http://2130706433/"), closed);
    expect(message).toContain("write 127.0.0.1");
  });
});

describe("names", () => {
  test.each([
    ["loopback", ["127.0.0.1"]],
    ["loopback, IPv6", ["::1"]],
    ["private", ["10.1.2.3"]],
    ["metadata", ["169.254.169.254"]],
    ["mapped", ["::ffff:10.1.2.3"]],
    ["one public and one private", ["93.184.215.14", "10.1.2.3"]],
    ["a public IPv4 and a local IPv6", ["93.184.215.14", "fd00::1"]],
  ])("one that leads to %s is refused", async (_what, addresses) => {
    const error = await failure(get("https://receiver.example/"), closed, addresses);
    expect(error).toBeInstanceOf(EgressRefusedError);
    expect(error.message).toContain(addresses.at(-1));
  });

  test("one that says something else the second time still leads to what was checked", async () => {
    const port = await receiver((request, response) => response.end(request.headers.host));
    let asked = 0;
    const rebinding = async () => {
      asked += 1;
      return [{ address: asked === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }];
    };

    const answer = await send(get(`http://rebinding.example:${port}/`), loopback, rebinding);

    expect(answer.body).toBe(`rebinding.example:${port}`);
    expect(asked).toBe(1);
  });

  test("one that is unknown fails before anything is sent", async () => {
    const unknown = send(get("http://nowhere.invalid/"), closed, () =>
      Promise.reject(new Error("ENOTFOUND")),
    );
    await expect(unknown).rejects.toMatchObject({ name: "EgressFailedError", sent: false });
  });

  test("one without any address fails before anything is sent", async () => {
    expect(await failure(get("http://empty.example/"), closed, [])).toMatchObject({
      name: "EgressFailedError",
      sent: false,
    });
  });

  test("a name service that never answers ends with the request's time", async () => {
    const slow = send(
      get("http://slow.example/", { timeoutMs: 30 }),
      closed,
      () => new Promise(() => undefined),
    );
    await expect(slow).rejects.toMatchObject({ name: "EgressFailedError", sent: false });
  });

  test("the system's own localhost is loopback, so it needs permission", async () => {
    await expect(send(get("http://localhost:9/"), closed)).rejects.toThrow(EgressRefusedError);
  });
});

describe("our own ports", () => {
  const own: EgressPolicy = {
    allow: everything.allow,
    deny: ["127.0.0.1:12347", "api.lull.example:443"],
  };

  test.each([
    "http://127.0.0.1:12347/v1/hosts",
    "http://127.0.0.2:12347/",
    "http://0.0.0.0:12347/",
    "http://[::1]:12347/",
    "http://[::]:12347/",
    ...Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family, scopeid }) => family === "IPv4" || !scopeid)
      .map(({ address, family }) =>
        family === "IPv6" ? `http://[${address}]:12347/` : `http://${address}:12347/`,
      ),
  ])("%s is refused though its network is open", async (url) => {
    const error = await failure(get(url), own);
    expect(error).toBeInstanceOf(EgressRefusedError);
    expect(error.message).toContain("this service itself");
  });

  test("a name that leads to one is refused", async () => {
    expect(await failure(get("http://sneaky.example:12347/"), own, ["127.0.0.1"])).toBeInstanceOf(
      EgressRefusedError,
    );
  });

  test("our public name is refused by its default port", async () => {
    expect(
      await failure(get("https://api.lull.example/v1"), own, ["93.184.215.14"]),
    ).toBeInstanceOf(EgressRefusedError);
  });

  test("another port of the same machine is not ours", async () => {
    const port = await receiver();
    expect(await send(get(`http://127.0.0.1:${port}/`), own)).toMatchObject({ status: 200 });
  });
});

describe("an allowed receiver", () => {
  test("gets method, headers and body, and its answer comes back", async () => {
    const port = await receiver((request, response, body) => {
      response.writeHead(202, { "X-Seen": `${request.method} ${request.url}` });
      response.end(`${request.headers["x-key"]} ${request.headers["content-length"]} ${body}`);
    });

    const answer = await send(
      {
        url: `http://127.0.0.1:${port}/hook?a=b`,
        method: "POST",
        headers: { "x-key": "k" },
        body: "grüße",
        timeoutMs: 5_000,
      },
      loopback,
    );

    expect(answer).toMatchObject({ status: 202, body: "k 7 grüße" });
    expect(answer.headers["x-seen"]).toBe("POST /hook?a=b");
  });

  test("that redirects is not followed", async () => {
    const port = await receiver((_request, response) => {
      response.writeHead(302, { Location: "http://169.254.169.254/" });
      response.end();
    });
    expect(await send(get(`http://127.0.0.1:${port}/`), loopback)).toMatchObject({
      status: 302,
      headers: { location: "http://169.254.169.254/" },
    });
  });

  test("that answers 500 has answered", async () => {
    const port = await receiver((_request, response) => {
      response.writeHead(500);
      response.end("broken");
    });
    expect(await send(get(`http://127.0.0.1:${port}/`), loopback)).toMatchObject({
      status: 500,
      body: "broken",
    });
  });

  test("that says too much is cut off, and may have acted", async () => {
    const port = await receiver((_request, response) => response.end("x".repeat(100_000)));
    await expect(
      send(get(`http://127.0.0.1:${port}/`, { maxBytes: 1_000 }), loopback),
    ).rejects.toMatchObject({ name: "EgressFailedError", sent: true });
  });

  test("that never answers may have acted", async () => {
    const port = await receiver(() => undefined);
    await expect(
      send(get(`http://127.0.0.1:${port}/`, { timeoutMs: 200 }), loopback),
    ).rejects.toMatchObject({ name: "EgressFailedError", sent: true });
  });

  test("that stops in the middle of its answer may have acted", async () => {
    const port = await receiver((_request, response) => {
      response.writeHead(200, { "content-length": "10" });
      response.write("half", () => response.destroy());
    });
    await expect(send(get(`http://127.0.0.1:${port}/`), loopback)).rejects.toMatchObject({
      name: "EgressFailedError",
      sent: true,
    });
  });

  test("that does not listen has seen nothing", async () => {
    const port = await receiver();
    for (const close of open.splice(0)) close();
    await expect(send(get(`http://127.0.0.1:${port}/`), loopback)).rejects.toMatchObject({
      name: "EgressFailedError",
      sent: false,
    });
  });

  /** What is said of a receiver to which no connection comes to stand, although there is time for an answer. */
  const unreached = {
    name: "EgressFailedError",
    sent: false,
    late: true,
    message: expect.stringMatching(/no connection within 100 ms$/),
  };

  test("that takes no connection is not waited for as long as for an answer, and has seen nothing", async () => {
    const port = await crowded();
    const request = get(`http://127.0.0.1:${port}/`, { timeoutMs: 350_000, connectMs: 100 });

    await expect(send(request, loopback)).rejects.toMatchObject(unreached);
  });

  test("that says nothing in the TLS handshake is not, either", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    open.push(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const request = get(`https://127.0.0.1:${port}/`, { timeoutMs: 350_000, connectMs: 100 });

    await expect(send(request, loopback)).rejects.toMatchObject(unreached);
  });

  test("whose name is not resolved is not, either", async () => {
    const request = get("http://receiver.example/", { timeoutMs: 350_000, connectMs: 100 });
    const resolved = send(request, loopback, () => new Promise(() => undefined));

    await expect(resolved).rejects.toMatchObject({
      sent: false,
      late: true,
      message: "receiver.example was not resolved within 100 ms",
    });
  });

  test("has all its time for the answer once a connection stands", async () => {
    const port = await receiver((_request, response) => setTimeout(() => response.end("ok"), 300));
    const request = get(`http://127.0.0.1:${port}/`, { connectMs: 2_000 });

    expect(await send(request, loopback)).toMatchObject({ status: 200 });
  });

  test("that does not speak TLS has seen nothing of an https request", async () => {
    const port = await receiver();
    const error = await failure(get(`https://127.0.0.1:${port}/`), loopback);
    expect(error).toBeInstanceOf(EgressFailedError);
    expect(error).toMatchObject({ sent: false });
  });

  test("hears its own name in the TLS handshake, not the address", async () => {
    let hello = "";
    const server = net.createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        hello = data.toString("latin1");
        socket.destroy();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    open.push(() => server.close());
    const { port } = server.address() as net.AddressInfo;

    await failure(get(`https://receiver.example:${port}/`), loopback, ["127.0.0.1"]);

    expect(hello).toContain("receiver.example");
  });

  test("may be opened by a network that is not one: that is the operator's mistake", async () => {
    await expect(
      send(get("http://127.0.0.1/"), { allow: ["127.0.0.1/33"], deny: [] }),
    ).rejects.toThrow('"127.0.0.1/33" is not a network');
  });
});

describe("where only https may be spoken", () => {
  const secure: EgressPolicy = { allow: ["10.0.0.0/8"], deny: [], secure: true };

  test.each([
    ["http", "a public address", "http://receiver.example/", "8.8.8.8", false],
    ["https", "a public address", "https://receiver.example/", "8.8.8.8", true],
    ["http", "a network that is allowed", "http://receiver.example/", "10.0.0.5", true],
    ["https", "a private address", "https://receiver.example/", "192.168.0.5", false],
  ])("%s to %s", async (_, __, url, address, isOpen) => {
    const looked = check({ url, timeoutMs: 1_000 }, secure, async () => [{ address, family: 4 }]);

    if (isOpen) await looked;
    else await expect(looked).rejects.toThrow(EgressRefusedError);
  });

  test("one bad address of a name spoils it", async () => {
    const both = ["10.0.0.5", "8.8.8.8"].map((address) => ({ address, family: 4 }));
    const url = "http://receiver.example/";

    await expect(check({ url, timeoutMs: 1_000 }, secure, async () => both)).rejects.toThrow(
      "only https",
    );
  });
});

test("a failure tells whether the receiver had all the time it was given", async () => {
  const hanging = await receiver(() => undefined);
  const broken = await receiver((request) => request.socket.destroy());
  const fail = (port: number) =>
    send(get(`http://127.0.0.1:${port}/`, { timeoutMs: 200 }), loopback);

  await expect(fail(hanging)).rejects.toMatchObject({ sent: true, late: true });
  await expect(fail(broken)).rejects.toMatchObject({ sent: true, late: false });
});
