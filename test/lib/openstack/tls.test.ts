import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { httpTransport } from "../../../lib/openstack/transport.ts";

/** A certificate that signs itself for 127.0.0.1; its key protects nothing. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyaOlzcUZOFq+Iwk/
GNYclR94KGExqv1vX0qXUdkAecOhRANCAAQ/h3Y+dLRTldtpkOupWvlUfUwSDYfw
YH7tKKM7nVKmJuYxrjXoueOfdfqEr9wKuO5lBBdIAUy4BduF7kVnaJLl
-----END PRIVATE KEY-----
`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUN29Ugq/Ti8eHinS4bEXpCgAtawIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbHVsbCB0ZXN0MCAXDTI2MTEyMjExNDU0OFoYDzIxMjYxMDI5
MTE0NTQ4WjAUMRIwEAYDVQQDDAlsdWxsIHRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ/h3Y+dLRTldtpkOupWvlUfUwSDYfwYH7tKKM7nVKmJuYxrjXoueOf
dfqEr9wKuO5lBBdIAUy4BduF7kVnaJLlo2QwYjAdBgNVHQ4EFgQUDSxegT9GcvHg
wLrCYfYW6+rz3L4wHwYDVR0jBBgwFoAUDSxegT9GcvHgwLrCYfYW6+rz3L4wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IFqQxQXOrW9zQ6ydO21BenyugdNej7FdJNa6B6orndAlAiEAgw0rTWanEnCGm/YG
6h9pqQhHBIyYBbdGV3JtR/L7KmM=
-----END CERTIFICATE-----
`;

const secureServer = async (): Promise<string> => {
  const server = createServer({ key: KEY, cert: CERTIFICATE }, (_, response) => response.end("{}"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

describe.each(["GET", "POST"])("a %s over TLS", (method) => {
  const ask = async (options: Parameters<typeof httpTransport>[0]) => {
    const url = await secureServer();
    return httpTransport(options)({ method, url, headers: {}, timeoutMs: 5_000 });
  };

  it("trusts the configured authority", async () => {
    expect((await ask({ cacert: CERTIFICATE })).status).toBe(200);
  });

  it("trusts nobody unknown, and certainly sent nothing", async () => {
    await expect(ask({})).rejects.toMatchObject({ name: "ConnectionError", sent: false });
  });

  it("trusts anybody when told not to verify", async () => {
    expect((await ask({ verify: false })).status).toBe(200);
  });
});
