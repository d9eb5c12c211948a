import { connect } from "node:net";
import { expect, test } from "vitest";
import { scaledClock } from "../../../localstack/clock.ts";
import { functionArn, functionResource, jsonOf, type Lambdas, NOON, testStack } from "./harness.ts";

const withApi = (
  routes: Readonly<Record<string, string>>,
  functions: Lambdas,
  options: Parameters<typeof testStack>[2] & { resources?: object } = {},
) => {
  const { resources = {}, ...others } = options;
  return testStack(
    functions,
    {
      Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "lull", ProtocolType: "HTTP" } },
      ...Object.fromEntries(
        Object.keys(functions).map((name) => [
          `${name}Integration`,
          {
            Type: "AWS::ApiGatewayV2::Integration",
            Properties: {
              ApiId: { Ref: "Api" },
              IntegrationType: "AWS_PROXY",
              IntegrationUri: functionArn(name),
              PayloadFormatVersion: "2.0",
            },
          },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(routes).map(([RouteKey, name], index) => [
          `Route${index}`,
          {
            Type: "AWS::ApiGatewayV2::Route",
            Properties: {
              ApiId: { Ref: "Api" },
              RouteKey,
              Target: { "Fn::Join": ["/", ["integrations", { Ref: `${name}Integration` }]] },
            },
          },
        ]),
      ),
      ...resources,
    },
    others,
  );
};

const echo = (event: unknown) => event;

test("a function gets the request in payload format 2.0", async () => {
  await using stack = await withApi({ "ANY /v1/hosts/{proxy+}": "echo" }, { echo });
  const response = await fetch(`${stack.apiUrl}/v1/hosts/a%20b/detail?x=1&x=2&y=%20`, {
    method: "PUT",
    body: '{"a":1}',
    headers: { "Content-Type": "application/json", Cookie: "a=1; b=2", "User-Agent": "test" },
  });

  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    version: "2.0",
    routeKey: "ANY /v1/hosts/{proxy+}",
    rawPath: "/v1/hosts/a b/detail",
    rawQueryString: "x=1&x=2&y=%20",
    cookies: ["a=1", "b=2"],
    queryStringParameters: { x: "1,2", y: " " },
    pathParameters: { proxy: "a b/detail" },
    headers: { "content-type": "application/json", "user-agent": "test" },
    body: '{"a":1}',
    isBase64Encoded: false,
    requestContext: {
      stage: "$default",
      timeEpoch: NOON,
      time: "22/Nov/2026:12:00:00 +0000",
      http: { method: "PUT", path: "/v1/hosts/a b/detail", sourceIp: "127.0.0.1" },
    },
  });
});

test("a request without cookies, query, parameters or body has none of their fields", async () => {
  await using stack = await withApi({ "GET /": "echo" }, { echo });
  const event = await (await fetch(`${stack.apiUrl}/`)).json();

  for (const field of ["cookies", "queryStringParameters", "pathParameters", "body"])
    expect(event).not.toHaveProperty(field);
});

test("a body that is no text arrives in base64", async () => {
  await using stack = await withApi({ "POST /": "echo" }, { echo });
  const response = await fetch(stack.apiUrl, { method: "POST", body: new Uint8Array([0, 255]) });

  expect(await response.json()).toMatchObject({ body: "AP8=", isBase64Encoded: true });
});

test("the most specific route wins, and $default takes the rest", async () => {
  const route = (event: { routeKey: string }) => ({ route: event.routeKey });
  await using stack = await withApi(
    {
      $default: "route",
      "ANY /v1/{proxy+}": "route",
      "ANY /v1/hosts": "route",
      "ANY /v1/hosts/{proxy+}": "route",
      "GET /v1/hosts/{id}": "route",
      "GET /v1/hosts/all": "route",
    },
    { route },
  );
  const chosen = async (method: string, path: string) =>
    (await jsonOf(await fetch(stack.apiUrl + path, { method }))).route;

  expect(await chosen("GET", "/v1/hosts")).toBe("ANY /v1/hosts");
  expect(await chosen("GET", "/v1/hosts/all")).toBe("GET /v1/hosts/all");
  expect(await chosen("GET", "/v1/hosts/c1")).toBe("GET /v1/hosts/{id}");
  expect(await chosen("PUT", "/v1/hosts/c1")).toBe("ANY /v1/hosts/{proxy+}");
  expect(await chosen("GET", "/v1/hosts/c1/x")).toBe("ANY /v1/hosts/{proxy+}");
  expect(await chosen("GET", "/v1/other")).toBe("ANY /v1/{proxy+}");
  expect(await chosen("GET", "/else")).toBe("$default");
});

test("status, headers, cookies and binary bodies of an answer are kept", async () => {
  await using stack = await withApi(
    { "GET /": "answer" },
    {
      answer: () => ({
        statusCode: 202,
        headers: { "Content-Type": "image/gif", "X-Count": 3 },
        cookies: ["a=1", "b=2"],
        body: "AP8=",
        isBase64Encoded: true,
      }),
    },
  );
  const response = await fetch(stack.apiUrl);

  expect(response.status).toBe(202);
  expect(response.headers.get("x-count")).toBe("3");
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255]);
});

test.each<[string, number, string, (event: never) => unknown]>([
  ["an error", 500, "Internal Server Error", () => Promise.reject(new Error("no"))],
  ["a status that is none", 500, "Internal Server Error", () => ({ statusCode: "x" })],
  [
    "6 MB and more",
    500,
    "Internal Server Error",
    () => ({ statusCode: 200, body: "x".repeat(6_291_457) }),
  ],
])("%s of the function is answered %i", async (_, status, message, answer) => {
  await using stack = await withApi({ "GET /": "answer" }, { answer });
  const response = await fetch(stack.apiUrl);

  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ message });
});

test("no route is 404, a broken escape 400, a body above 10 MB 413", async () => {
  await using stack = await withApi({ "POST /v1/hosts": "echo" }, { echo });
  const status = async (method: string, path: string, body?: string) => {
    const response = await fetch(stack.apiUrl + path, { method, ...(body && { body }) });
    return [response.status, (await jsonOf(response)).message];
  };

  expect(await status("POST", "/v1/other")).toEqual([404, "Not Found"]);
  expect(await status("GET", "/v1/hosts")).toEqual([404, "Not Found"]);
  expect(await status("POST", "/v1/%zz")).toEqual([400, "Bad Request"]);
  expect(await status("POST", "/v1/hosts", "x".repeat(10_485_761))).toEqual([
    413,
    "Request Entity Too Large",
  ]);
});

test("a function slower than 30 s is answered 503, and so is one without concurrency left", async () => {
  await using stack = await withApi(
    { "GET /slow": "slow", "GET /none": "none" },
    { slow: () => new Promise(() => undefined), none: echo },
    {
      clock: scaledClock(200),
      resources: { none: functionResource("none", { ReservedConcurrentExecutions: 0 }) },
    },
  );

  for (const path of ["/slow", "/none"]) {
    const response = await fetch(stack.apiUrl + path);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: "Service Unavailable" });
  }
});

test("a client that goes away in the middle of its body does no harm", async () => {
  await using stack = await withApi({ "POST /": "echo" }, { echo });
  const socket = connect(Number(new URL(stack.apiUrl).port), "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  await new Promise<void>((resolve) => socket.end(resolve));
  socket.destroy();

  expect((await fetch(stack.apiUrl, { method: "POST", body: "x" })).status).toBe(200);
});
