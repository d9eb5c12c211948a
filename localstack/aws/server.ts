import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { accessKeyOf, type Credentials, isKeyOf } from "./credentials.ts";
import { AwsError } from "./errors.ts";
import { readBody } from "./http-server.ts";
import type { Misbehaviour } from "./misbehaviour.ts";
import type { Observer } from "./observer.ts";

/** One service: an operation's name and parsed input give its parsed output. */
export type Service = (operation: string, input: unknown) => unknown;

/** No operation of these services takes more (DynamoDB's BatchWriteItem, 16 MB). */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

const authenticate = (request: IncomingMessage, credentials: Credentials) => {
  const accessKeyId = accessKeyOf(request.headers.authorization);
  if (accessKeyId === undefined)
    throw new AwsError(
      "MissingAuthenticationTokenException",
      "Request is missing Authentication Token",
    );
  if (!isKeyOf(credentials, accessKeyId))
    throw new AwsError(
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
    );
};

const parseInput = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new AwsError("SerializationException", `the body is no JSON: ${error}`);
  }
};

const asAwsError = (error: unknown, target: string, log: (line: string) => void): AwsError => {
  if (error instanceof AwsError) return error;
  log(`${target}: ${error instanceof Error ? error.stack : error}`);
  return new AwsError("InternalServerError", `${target} failed inside the embedded stack`, {
    status: 500,
  });
};

/**
 * The AWS JSON protocols 1.0 and 1.1 for every service on one port, told apart by X-Amz-Target
 * (Smithy, "AWS JSON 1.0 protocol"). DynamoDB meets its own throttling; the others meet it here.
 */
export const awsListener = (options: {
  services: Readonly<Record<string, Service>>;
  credentials: Credentials;
  clock: Clock;
  misbehaviour: Misbehaviour;
  observer?: Observer | undefined;
  log: (line: string) => void;
}) => {
  const { services, credentials, clock, misbehaviour, observer, log } = options;

  const serve = async (request: IncomingMessage, target: string): Promise<unknown> => {
    const body = await readBody(request, MAX_BODY_BYTES);
    authenticate(request, credentials);
    const [prefix = "", operation = ""] = target.split(".");
    const service = Object.hasOwn(services, prefix) ? services[prefix] : undefined;
    if (!service)
      throw new AwsError("UnknownOperationException", `the embedded stack has no ${target}`);
    if (prefix === "AWSStepFunctions" && misbehaviour.throttles())
      throw new AwsError("ThrottlingException", "Rate exceeded");
    const input = parseInput(body);
    const answer = () => service(operation, input);
    return observer?.call ? observer.call({ service: prefix, operation, input }, answer) : answer();
  };

  const send = (response: ServerResponse, status: number, body: unknown) => {
    const payload = Buffer.from(JSON.stringify(body));
    response.writeHead(status, {
      "Content-Type": "application/x-amz-json-1.0",
      "Content-Length": payload.length,
      "x-amzn-RequestId": randomUUID(),
    });
    response.end(payload);
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const release = clock.hold();
    const target = String(request.headers["x-amz-target"] ?? "a request without X-Amz-Target");
    try {
      send(response, 200, (await serve(request, target)) ?? {});
    } catch (error) {
      const { name, status, message, extra } = asAwsError(error, target, log);
      send(response, status, {
        __type: `com.amazonaws#${name}`,
        message,
        Message: message,
        ...extra,
      });
    } finally {
      release();
    }
  };
};
