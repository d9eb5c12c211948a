import { once } from "node:events";
import * as http from "node:http";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as https from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { send } from "../../lib/egress.ts";
import { httpTransport } from "../../lib/openstack/transport.ts";
import { isProxied, type ProxyRules, tunnel } from "../../lib/proxy.ts";
import { CERTIFICATES, KEY } from "./certificates.ts";

const listening = async (
  server: ReturnType<typeof createServer> | https.Server,
): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const PUBLIC = async () => [{ address: "8.8.4.4", family: 4 }];

const post = (url: string) => ({ method: "POST", url, headers: {}, timeoutMs: 5_000 });

type Name = keyof typeof CERTIFICATES;

/** Leads the tunnels that it is asked for to one port, refuses some, or leaves all of them unanswered. */
const leadTo = (
  port: number,
  options: { readonly refuses?: RegExp; readonly silent?: boolean } = {},
) => {
  const tunnels: string[] = [];
  const lead = (request: IncomingMessage, socket: Duplex) => {
    const target = request.url ?? "";
    tunnels.push(target);
    socket.on("error", () => undefined);
    if (options.silent) return;
    if (options.refuses?.test(target)) {
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  };
  return { tunnels, lead };
};

/** A proxy that leads every tunnel to one receiver, and both as they were asked. */
const startProxy = async (
  options: {
    readonly refuses?: RegExp;
    readonly silent?: boolean;
    /** The receiver speaks TLS, as this one. */
    readonly receiverIs?: Name;
    /** The receiver reads requests and answers none. */
    readonly mute?: boolean;
  } = {},
) => {
  const requests: IncomingMessage[] = [];
  const receive = (request: IncomingMessage, response: ServerResponse) => {
    requests.push(request);
    if (options.mute) request.socket.destroy();
    else response.end("{}");
  };
  const port = await listening(
    options.receiverIs
      ? https.createServer({ key: KEY, cert: CERTIFICATES[options.receiverIs] }, receive)
      : createServer(receive),
  );
  const { tunnels, lead } = leadTo(port, options);
  const proxy = createServer((_, response) => response.writeHead(500).end());
  proxy.on("connect", lead);
  const rules: ProxyRules = { url: `http://localhost:${await listening(proxy)}`, except: [] };
  return { rules, tunnels, requests, lead };
};

test.each([
  ["nova.example.org", [], true],
  ["nova.example.org", ["example.org"], false],
  ["nova.example.org", [".example.org"], false],
  ["nova.example.org", ["ample.org"], true],
  ["10.1.2.3", ["10.0.0.0/8"], false],
  ["10.1.2.3", ["10.1.2.3"], false],
  ["192.0.2.1", ["10.0.0.0/8"], true],
  ["[fd00::1]", ["fd00::/8"], false],
  ["127.0.0.1", [], false],
  ["localhost", [], false],
])("%s with the exceptions %j goes through the proxy: %s", (host, except, expected) => {
  expect(isProxied({ url: "http://proxy.example:3128", except }, host)).toBe(expected);
});

test.each(["GET", "POST"])(
  "a %s to OpenStack goes through the tunnel by its name",
  async (method) => {
    const { rules, tunnels, requests } = await startProxy();
    const url = "http://nova.example.org:8774/v2.1/servers";
    const ask = httpTransport({ proxy: rules });

    expect((await ask({ method, url, headers: {}, timeoutMs: 5_000 })).status).toBe(200);
    expect(tunnels).toEqual(["nova.example.org:8774"]);
    expect(requests[0]).toMatchObject({ method, url: "/v2.1/servers" });
  },
);

test("a tunnel that is refused says that nothing was sent", async () => {
  const { rules } = await startProxy({ refuses: /./ });
  const asked = httpTransport({ proxy: rules })(post("http://nova.example.org:8774/"));

  await expect(asked).rejects.toMatchObject({
    name: "ConnectionError",
    message: expect.stringContaining("refused a tunnel to nova.example.org:8774 with 403"),
    sent: false,
  });
});

test("a request that breaks off in the tunnel says that it may have arrived", async () => {
  const { rules } = await startProxy({ mute: true });
  const asked = httpTransport({ proxy: rules })(post("http://nova.example.org:8774/"));

  await expect(asked).rejects.toMatchObject({ name: "ConnectionError", sent: true });
});

test("a request that breaks off behind a proxy that speaks TLS says that it may have arrived", async () => {
  const { lead } = await startProxy({ mute: true });
  const proxy = https.createServer({ key: KEY, cert: CERTIFICATES.localhost });
  proxy.on("connect", lead);
  const url = `https://localhost:${await listening(proxy)}`;
  const asked = httpTransport({ proxy: { url, except: [], ca: CERTIFICATES.localhost } })(
    post("http://nova.example.org:8774/"),
  );

  await expect(asked).rejects.toMatchObject({ name: "ConnectionError", sent: true });
});

describe("a proxy that answers nothing", () => {
  test.each(["GET", "POST"])("fails a %s to OpenStack in time, unsent", async (method) => {
    const { rules } = await startProxy({ silent: true });
    const url = "https://nova.example.org:8774/";
    const asked = httpTransport({ proxy: rules })({ method, url, headers: {}, timeoutMs: 50 });

    await expect(asked).rejects.toMatchObject({
      name: "ConnectionError",
      message: "no answer within 50 ms",
      sent: false,
    });
  });

  test("fails a webhook in time, unsent", async () => {
    const { rules } = await startProxy({ silent: true });
    const request = { url: "https://work.example.org/hook", method: "POST", timeoutMs: 50 };
    const asked = send(request, { allow: [], deny: [], proxy: rules }, PUBLIC);

    await expect(asked).rejects.toMatchObject({
      name: "EgressFailedError",
      message: expect.stringContaining("no answer within 50 ms"),
      sent: false,
    });
  });

  test("is hung up on", async () => {
    const { rules, lead } = await startProxy({ silent: true });
    const proxy = createServer();
    const hungUp = new Promise((resolve) => {
      proxy.on("connect", (request, socket) => {
        socket.once("end", resolve).resume();
        lead(request, socket);
      });
    });
    const url = `http://127.0.0.1:${await listening(proxy)}`;
    const agent = await tunnel({ ...rules, url }, { openingMs: 50 });
    const { promise, reject } = Promise.withResolvers();
    http.get("http://nova.example.org:8774/", { agent }).once("error", reject);

    await expect(promise).rejects.toThrow("opened no tunnel to nova.example.org:8774");
    await hungUp;
  });
});

describe("whoever is at the end of a tunnel proves to be the one that was asked for", () => {
  const ask = async (receiverIs: Name) => {
    const { rules } = await startProxy({ receiverIs });
    const cacert = CERTIFICATES[receiverIs];
    return httpTransport({ proxy: rules, cacert })(post("https://10.0.0.5:8774/"));
  };

  test("by an address", async () => {
    expect((await ask("10.0.0.5")).status).toBe(200);
  });

  test("and a certificate of the proxy's own name does not do", async () => {
    await expect(ask("localhost")).rejects.toMatchObject({
      name: "ConnectionError",
      message: expect.stringContaining("10.0.0.5"),
      sent: false,
    });
  });
});

test("a webhook goes through the tunnel to the address that was checked, under its own name", async () => {
  const { rules, tunnels, requests } = await startProxy();
  const request = {
    url: "http://work.example.org/hook",
    method: "POST",
    body: "{}",
    timeoutMs: 5_000,
  };
  const policy = { allow: [], deny: [], proxy: rules };

  expect((await send(request, policy, PUBLIC)).status).toBe(200);
  expect(tunnels).toEqual(["8.8.4.4:80"]);
  expect(requests[0]?.headers.host).toBe("work.example.org");
});

test("a proxy opens no network that is closed", async () => {
  const { rules, tunnels } = await startProxy();
  const request = { url: "http://work.example.org/hook", method: "POST", timeoutMs: 5_000 };
  const policy = { allow: [], deny: [], proxy: rules };
  const resolve = async () => [{ address: "10.0.0.5", family: 4 }];

  await expect(send(request, policy, resolve)).rejects.toMatchObject({
    name: "EgressRefusedError",
  });
  expect(tunnels).toEqual([]);
});

test("a webhook's next address is tried when the proxy cannot reach one", async () => {
  const { rules, tunnels } = await startProxy({ refuses: /^\[/ });
  const request = { url: "http://work.example.org/hook", method: "POST", timeoutMs: 5_000 };
  const policy = { allow: [], deny: [], proxy: rules };
  const resolve = async () => [{ address: "2606:4700::1111", family: 6 }, ...(await PUBLIC())];

  expect((await send(request, policy, resolve)).status).toBe(200);
  expect(tunnels).toEqual(["[2606:4700::1111]:80", "8.8.4.4:80"]);
});

test("a webhook that may have arrived is not sent to the next address", async () => {
  const { rules, tunnels } = await startProxy({ mute: true });
  const request = { url: "http://work.example.org/hook", method: "POST", timeoutMs: 5_000 };
  const policy = { allow: [], deny: [], proxy: rules };
  const resolve = async () => [...(await PUBLIC()), { address: "8.8.8.8", family: 4 }];

  await expect(send(request, policy, resolve)).rejects.toMatchObject({ sent: true });
  expect(tunnels).toEqual(["8.8.4.4:80"]);
});

test("a name that leads to this machine is never looked for on the proxy's", async () => {
  const { rules, tunnels } = await startProxy();
  const port = await listening(createServer((_, response) => response.end("here")));
  const request = { url: `http://work.example.org:${port}/`, method: "POST", timeoutMs: 5_000 };
  const policy = { allow: ["127.0.0.0/8"], deny: [], proxy: rules };
  const resolve = async () => [{ address: "127.0.0.1", family: 4 }];

  expect((await send(request, policy, resolve)).body).toBe("here");
  expect(tunnels).toEqual([]);
});
