import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { send } from "../../lib/egress.ts";
import { httpTransport } from "../../lib/openstack/transport.ts";
import { isProxied, type ProxyRules } from "../../lib/proxy.ts";

const listening = async (server: ReturnType<typeof createServer>): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

/** A proxy that leads every tunnel to one receiver, and both as they were asked. */
const startProxy = async (refuse = false) => {
  const tunnels: string[] = [];
  const requests: IncomingMessage[] = [];
  const port = await listening(
    createServer((request, response) => {
      requests.push(request);
      response.end("{}");
    }),
  );
  const proxy = createServer((_, response) => response.writeHead(500).end());
  proxy.on("connect", (request, socket) => {
    tunnels.push(request.url ?? "");
    if (refuse) {
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  const rules: ProxyRules = { url: `http://127.0.0.1:${await listening(proxy)}`, except: [] };
  return { rules, tunnels, requests };
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
  const { rules } = await startProxy(true);
  const url = "http://nova.example.org:8774/";
  const asked = httpTransport({ proxy: rules })({
    method: "POST",
    url,
    headers: {},
    timeoutMs: 5_000,
  });

  await expect(asked).rejects.toMatchObject({
    name: "ConnectionError",
    message: expect.stringContaining("refused a tunnel to nova.example.org:8774 with 403"),
    sent: false,
  });
});

test("an answer that breaks off in the tunnel says that the request may have arrived", async () => {
  const { rules } = await startProxy();
  const cut = createServer((request) => request.socket.destroy());
  const port = await listening(cut);
  const proxy = createServer();
  proxy.on("connect", (_, socket) => {
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  const url = `http://127.0.0.1:${await listening(proxy)}`;
  const asked = httpTransport({ proxy: { ...rules, url } })({
    method: "POST",
    url: "http://nova.example.org:8774/",
    headers: {},
    timeoutMs: 5_000,
  });

  await expect(asked).rejects.toMatchObject({ name: "ConnectionError", sent: true });
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
  const resolve = async () => [{ address: "8.8.4.4", family: 4 }];

  expect((await send(request, policy, resolve)).status).toBe(200);
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
