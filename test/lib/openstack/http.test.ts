import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  isConflict,
  isNotFound,
  OpenStackError,
  TransientOpenStackError,
} from "../../../lib/openstack/errors.ts";
import { call, callForAnswer } from "../../../lib/openstack/http.ts";
import { clientOf, scriptedServer } from "./scripted-server.ts";

const anything = z.unknown();
const failure = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it should have failed");
};

describe("a call", () => {
  it("carries token, microversion, request id and body, and answers the parsed reply", async () => {
    const server = await scriptedServer(() => ({
      status: 200,
      body: { answer: 42 },
      headers: {
        "x-openstack-request-id": "req-1",
        date: "Sun, 22 Nov 2026 09:38:15 GMT",
      },
    }));
    const answer = await callForAnswer(
      clientOf(server.url),
      "/things",
      z.object({ answer: z.number() }),
      { method: "PUT", body: { question: 1 }, requestId: "req-mine" },
    );
    expect(answer).toEqual({
      status: 200,
      requestId: "req-1",
      date: "2026-11-22T09:38:15.000Z",
      body: { answer: 42 },
    });
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: "PUT", path: "/things", body: { question: 1 } });
    expect(asked?.headers).toMatchObject({
      "x-auth-token": "token-1",
      "openstack-api-version": "compute 2.93",
      "x-openstack-request-id": "req-mine",
    });
  });

  it("takes an empty reply for nothing", async () => {
    const server = await scriptedServer(() => ({ status: 202 }));
    expect(
      await call(clientOf(server.url), "/x", anything, { method: "POST", expect: [202] }),
    ).toBeUndefined();
  });

  it("refuses a status that was not expected", async () => {
    const server = await scriptedServer(() => ({ status: 200, body: {} }));
    const error = await failure(
      call(clientOf(server.url), "/x", anything, { method: "POST", expect: [202] }),
    );
    expect(error).toBeInstanceOf(OpenStackError);
  });

  it("does not follow redirects, which would carry the token elsewhere", async () => {
    const server = await scriptedServer(() => ({
      status: 302,
      headers: { location: "http://127.0.0.1:1/" },
    }));
    expect(await failure(call(clientOf(server.url), "/x", anything))).toMatchObject({
      status: 302,
    });
    expect(server.asked).toHaveLength(1);
  });
});

describe("a refusal", () => {
  const bodies: [string, unknown][] = [
    ["Nova's", { conflictingRequest: { code: 409, message: "is migrating" } }],
    ["Keystone's", { error: { code: 409, message: "is migrating", title: "Conflict" } }],
    ["Placement's", { errors: [{ status: 409, title: "Conflict", detail: "is migrating" }] }],
    ["Neutron's", { NeutronError: { type: "PortBound", message: "is migrating", detail: "" } }],
    ["Aodh's", { error_message: { faultcode: "Client", faultstring: "is migrating" } }],
    ["a proxy's HTML", "<html><title>409</title><body><h1>is migrating</h1></body></html>"],
  ];
  it.each(bodies)("is told in the service's words, here in %s shape", async (_, body) => {
    const server = await scriptedServer(() => ({
      status: 409,
      body,
      headers: { "x-openstack-request-id": "req-7" },
    }));
    const error = await failure(call(clientOf(server.url), "/x", anything, { method: "POST" }));
    expect(error).toBeInstanceOf(OpenStackError);
    expect(error).toMatchObject({ status: 409, requestId: "req-7", detail: "is migrating" });
    expect(isConflict(error)).toBe(true);
    expect(isNotFound(error)).toBe(false);
    expect(server.asked).toHaveLength(1);
  });

  it("of the token is answered with a new token, once, also for a POST", async () => {
    const server = await scriptedServer(({ headers }) =>
      headers["x-auth-token"] === "token-1" ? { status: 401 } : { status: 202 },
    );
    await call(clientOf(server.url), "/x", anything, { method: "POST" });
    expect(server.asked.map((one) => one.headers["x-auth-token"])).toEqual(["token-1", "token-2"]);
  });

  it("of the second token too is final", async () => {
    const server = await scriptedServer(() => ({ status: 401 }));
    const error = await failure(call(clientOf(server.url), "/x", anything));
    expect(error).toMatchObject({ name: "OpenStackError", status: 401 });
    expect(server.asked).toHaveLength(2);
  });
});

describe("an unwell service", () => {
  it.each([413, 429, 502, 503, 504])("that answers %d to a read is asked again", async (status) => {
    const server = await scriptedServer((_, times) =>
      times < 3 ? { status, headers: { "retry-after": "0" } } : { status: 200, body: {} },
    );
    await call(clientOf(server.url), "/x", anything);
    expect(server.asked).toHaveLength(3);
  });

  it("is not behind a 413 that names no time: the request is too large and will stay so", async () => {
    const server = await scriptedServer(() => ({ status: 413 }));
    const error = await failure(call(clientOf(server.url), "/x", anything));
    expect(error).toMatchObject({ name: "OpenStackError", status: 413 });
    expect(server.asked).toHaveLength(1);
  });

  it("is asked three times at most", async () => {
    const server = await scriptedServer(() => ({ status: 503, headers: { "retry-after": "0" } }));
    const error = await failure(call(clientOf(server.url), "/x", anything));
    expect(error).toMatchObject({ name: "TransientOpenStackError", status: 503 });
    expect(server.asked).toHaveLength(3);
  });

  it("that wants to be left alone for a minute is not asked again, and the caller learns the minute", async () => {
    const server = await scriptedServer(() => ({ status: 429, headers: { "retry-after": "60" } }));
    const error = await failure(call(clientOf(server.url), "/x", anything));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 60_000 });
    expect(server.asked).toHaveLength(1);
  });

  it.each(["POST", "PUT", "DELETE"] as const)("is never sent a %s twice", async (method) => {
    const server = await scriptedServer(() => ({
      status: 503,
      body: "<html><body>Keystone is away</body></html>",
    }));
    const error = await failure(call(clientOf(server.url), "/x", anything, { method }));
    expect(error).toBeInstanceOf(TransientOpenStackError);
    expect(error).toMatchObject({ status: 503, detail: "Keystone is away", sent: true });
    expect(server.asked).toHaveLength(1);
  });

  it("that answers 200 with a proxy's page has not answered", async () => {
    const server = await scriptedServer(() => ({ status: 200, body: "<html>Welcome</html>" }));
    expect(await failure(call(clientOf(server.url), "/x", anything))).toBeInstanceOf(
      TransientOpenStackError,
    );
  });

  it("that answers another shape is named with the field", async () => {
    const server = await scriptedServer(() => ({ status: 200, body: { thing: { id: 1 } } }));
    const schema = z.object({ thing: z.object({ id: z.string() }) });
    const error = await failure(call(clientOf(server.url), "/x", schema));
    expect(error).toBeInstanceOf(OpenStackError);
    expect(error).toMatchObject({ detail: expect.stringContaining("thing.id") });
  });
});

describe("a lost connection", () => {
  it("before anything was sent certainly had no effect", async () => {
    const server = await scriptedServer(() => ({ status: 200 }));
    await server.close();
    const error = await failure(call(clientOf(server.url), "/x", anything, { method: "POST" }));
    expect(error).toMatchObject({ name: "TransientOpenStackError", status: null, sent: false });
  });

  it("after the request was sent leaves the effect unknown", async () => {
    const server = await scriptedServer(() => "reset");
    const error = await failure(call(clientOf(server.url), "/x", anything, { method: "POST" }));
    expect(error).toMatchObject({ name: "TransientOpenStackError", status: null, sent: true });
    expect(server.asked).toHaveLength(1);
  });

  it("is made good for a read", async () => {
    const server = await scriptedServer((_, times) =>
      times === 1 ? "reset" : { status: 200, body: {} },
    );
    await call(clientOf(server.url), "/x", anything);
    expect(server.asked).toHaveLength(2);
  });

  it("is what a service that never answers amounts to", async () => {
    const server = await scriptedServer(() => "silence");
    const error = await failure(
      call(clientOf(server.url, 100), "/x", anything, { method: "POST" }),
    );
    expect(error).toMatchObject({ name: "TransientOpenStackError", sent: true });
  });

  it("to Keystone means that the call itself was not sent", async () => {
    const server = await scriptedServer(() => ({ status: 200 }));
    const client = {
      ...clientOf(server.url),
      token: async () => {
        throw new TransientOpenStackError({
          message: "Keystone is away",
          status: 503,
          requestId: null,
          detail: "away",
          sent: true,
        });
      },
    };
    expect(await failure(call(client, "/x", anything, { method: "POST" }))).toMatchObject({
      status: 503,
      sent: false,
    });
    expect(server.asked).toHaveLength(0);
  });
});
